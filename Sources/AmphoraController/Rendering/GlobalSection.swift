// The `global` section of haproxy.cfg (contract §3.1).

/// Process-wide settings.
struct GlobalSection {
  let input: HAProxyInput

  func write(to text: inout ConfigurationText) {
    let base = input.options.baseFolderPath
    let id = input.loadBalancer.id
    text.line("global")
    text.entry("daemon")
    text.entry("user nobody")
    text.entry("log /run/rsyslog/octavia/log local\(input.options.userLogFacility)")
    text.entry("log /run/rsyslog/octavia/log local\(input.options.administrativeLogFacility) notice")
    text.entry("stats socket \(base)/\(id).sock mode 0666 level user")
    if input.version.isAtLeast(1, 6) { text.entry("server-state-file \(base)/\(id)/servers-state") }
    text.entry("maxconn \(connectionLimit)")
    if let size = tlsCacheSize { text.entry("tune.ssl.cachesize \(size)") }
    if let threads {
      text.entry("nbthread \(threads)")
      text.entry("cpu-map auto:1/1-\(threads) 1-\(threads)")
    }
    if needsExternalCheck {
      text.entry("external-check")
      if input.version.isAtLeast(2, 2) { text.entry("insecure-fork-wanted") }
    }
  }

  private var connectionLimit: Int {
    let sum = input.enabledListeners.reduce(0) { $0 + $1.connectionLimit }
    return (1..<1_000_000).contains(sum) ? sum : 1_000_000
  }

  /// Two fifths of the memory that connections leave, in sessions of about 256 bytes.
  private var tlsCacheSize: Int? {
    guard input.listeners.contains(where: { $0.listener.protocol == .terminatedHTTPS }),
      let memory = input.context.amphoraDetails?.memory,
      let free = memory.free, let buffers = memory.buffers, let cached = memory.cached
    else { return nil }
    // Kilobytes; a connection is taken to need 32 of them. Division rounds towards zero, which differs from rounding
    // down only for negative results, and these are not printed.
    let kilobytes = (free + buffers + cached - 32 * connectionLimit) * 2 / 5
    return kilobytes > 5000 ? kilobytes * 4 : nil
  }

  /// All CPUs but the first, which a tuned amphora keeps for everything else.
  private var threads: Int? {
    guard let details = input.context.amphoraDetails, let cpus = details.cpuCount, cpus > 1,
      let profiles = details.activeTunedProfiles, profiles.split(whereSeparator: \.isWhitespace).contains("amphora")
    else { return nil }
    return cpus - 1
  }

  private var needsExternalCheck: Bool {
    input.enabledListeners.contains { listener in
      listener.pools.contains { $0.adminStateUp && $0.enabledMonitor?.type == .ping }
    }
  }
}
