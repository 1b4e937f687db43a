// What a support bundle is made of: the newest and shortest first, so that where time or room runs out the logs suffer.

import AmphoraProtocol
import Files
import Netlink
import Synchronization

/// Where the files of the machine lie; another place in tests.
package struct BundlePlaces: Sendable {
  /// Folder of the machine's logs.
  package var logs = "/var/log"
  /// Folders of configuration that others than the agent write, with how deep they are read.
  package var configuration: [(path: String, depth: Int)] = [
    ("/etc/rsyslog.d", 1), ("/etc/network", 2), ("/etc/systemd/network", 1), ("/etc/sysctl.d", 1),
  ]
  /// Folder of an operator's additions to units.
  package var unitAdditions = "/etc/systemd/system"

  package init() {}
}

/// Parts that are told of together as they are collected.
struct BundleSection: Sendable {
  let title: String
  let parts: [BundlePart]

  /// All of an amphora.
  static func all(of amphora: LocalAmphora, since: Duration, places: BundlePlaces) -> [BundleSection] {
    [
      BundleSection(title: "what the agent says", parts: agent(amphora)),
      BundleSection(title: "configuration", parts: configuration(amphora, places)),
      BundleSection(title: "certificates, without keys", parts: certificates(amphora)),
      BundleSection(title: "haproxy", parts: haproxy(amphora)),
      BundleSection(title: "network", parts: network(amphora)),
      BundleSection(title: "machine", parts: machine(amphora)),
      BundleSection(title: "logs", parts: logs(amphora, since: since, places)),
    ]
  }

  private static func agent(_ amphora: LocalAmphora) -> [BundlePart] {
    let file = amphora.configurationFile
    let report = DoctorOnce(amphora)
    return [
      .text("versions.txt") { try await versions(amphora) },
      .text("status.txt") {
        StatusScreen(try await .gather(amphora), style: ScreenStyle(width: 160, showsAll: true)).text()
      },
      .text("status.json") { try await AmphoraSnapshot.gather(amphora).json() },
      .text("doctor.txt") { await report.value.text },
      .text("doctor.json") { try await report.value.json() },
      .blocking("config-check.txt") { ConfigurationVerdict(file: file).text },
      .blocking("config-show.txt") { try ConfigurationListing(file: file, includesUnused: true).text },
      .text("heartbeat.txt") {
        try await HeartbeatPreview.build(amphora.configuration.get(), paths: amphora.paths).report
      },
    ]
  }

  private static func versions(_ amphora: LocalAmphora) async throws -> String {
    let command = (try? amphora.configuration.get())?.haproxyCommand ?? "/usr/sbin/haproxy"
    let packages = try? await PackageDatabase(haproxyCommand: command).versions()
    return """
      amphora-agent \(AgentVersion.current)
      haproxy \(packages?.haproxy ?? "?")
      keepalived \(packages?.keepalived ?? "-")
      ipvsadm \(packages?.ipvsadm ?? "-")
      host \(HostFacts.hostname())
      time \(Int(UnixTime.now)) seconds since 1970
      """
  }

  private static func configuration(_ amphora: LocalAmphora, _ places: BundlePlaces) -> [BundlePart] {
    let paths = amphora.paths
    let interfaces = amphora.interfaces
    func isOurs(_ unit: String) -> Bool {
      ["amphora", "haproxy", "octavia", "prometheus-proxy", "certs-ramfs", "keepalived"].contains { unit.hasPrefix($0) }
    }
    var parts: [BundlePart] = [
      .file(amphora.configurationFile), .file(interfaces.pluggedInterfaces), .file(interfaces.firewallRules),
      .file(paths.userGroupFragment), .file("\(paths.base)/stats_counters.json"),
    ]
    parts += LoadBalancerStore(paths: paths).ids().flatMap { BundlePart.folder(paths.directory(of: $0)) }
    parts += [paths.vrrpDirectory, paths.lvsDirectory].flatMap { BundlePart.folder($0, depth: 2) }
    parts += [paths.services, interfaces.interfaces].flatMap { BundlePart.folder($0) }
    parts += BundlePart.folder(paths.units, where: isOurs)
    for name in FileRead.names(in: places.unitAdditions) where isOurs(name) {
      let path = "\(places.unitAdditions)/\(name)"
      parts += FileRead.isFolder(path) ? BundlePart.folder(path) : [.file(path)]
    }
    parts += places.configuration.flatMap { BundlePart.folder($0.path, depth: $0.depth) }
    parts += ["/etc/os-release", "/etc/resolv.conf", "/etc/hosts", "/etc/network/interfaces"]
      .filter { path in !parts.contains { $0.name == "files\(path)" } }.map(BundlePart.file)
    return parts
  }

  private static func certificates(_ amphora: LocalAmphora) -> [BundlePart] {
    var parts: [BundlePart] = []
    if let configuration = try? amphora.configuration.get() {
      parts += [.certificate(configuration.agentServerCert), .certificate(configuration.agentServerCA)]
    }
    let root = amphora.paths.certificates
    for folder in FileRead.names(in: root).compactMap({ LoadBalancerID($0) }).map(amphora.paths.certificateDirectory) {
      parts += FileRead.names(in: folder).map { .certificate("\(folder)/\($0)") }
    }
    return parts
  }

  /// `show errors` is not asked: it holds what clients sent.
  private static func haproxy(_ amphora: LocalAmphora) -> [BundlePart] {
    let store = LoadBalancerStore(paths: amphora.paths)
    return store.ids().flatMap { id -> [BundlePart] in
      let path = amphora.paths.statsSocket(of: id)
      let silence = SilentSocket()
      let explained = BundlePart.blocking("haproxy/\(id)/explained.cfg") {
        String(decoding: try HAProxyExplanation.read(id, amphora.paths).annotated, as: UTF8.self)
      }
      return [explained]
        + ["show info", "show stat -1 -1 -1", "show servers state", "show table"].map { command in
          let words = command.split(separator: " ").filter { !$0.hasPrefix("-") }.joined(separator: "-")
          return BundlePart(name: "haproxy/\(id)/\(words).txt") { limit, timeout in
            guard FileRead.exists(path) else { return nil }
            if silence.isNoted { throw SupportBundleError(description: "not asked: the socket was silent before") }
            return try await BlockingIO.run {
              do throws(StatsSocketError) {
                let answer = try StatsSocket(path: path).limited(to: timeout).query(command)
                return BundlePart.Content(bytes: BoundedBytes(answer, limit: limit).bytes)
              } catch {
                if case .timedOut = error { silence.note() }
                throw error
              }
            }
          }
        }
    }
  }

  private static func logs(_ amphora: LocalAmphora, since: Duration, _ places: BundlePlaces) -> [BundlePart] {
    var parts: [BundlePart] = [.blocking("kernel/dmesg.txt") { try KernelLog.text() }]
    // What supervised programs print.
    parts += BundlePart.folder(amphora.paths.runtime) { $0.hasSuffix(".log") }
    if FileRead.exists("/run/systemd/system") {
      parts += units(amphora).map { unit in
        .command(
          "journal/\(unit).txt",
          [
            "journalctl", "--no-pager", "--quiet", "--output=short-iso-precise", "--lines=50000",
            "--since=-\(since.components.seconds)s", "--unit=\(unit)",
          ])
      }
      parts.append(
        .command(
          "journal/warnings.txt",
          [
            "journalctl", "--no-pager", "--quiet", "--output=short-iso-precise", "--lines=50000", "--priority=warning",
            "--since=-\(since.components.seconds)s",
          ]))
    }
    let prefixes = ["amphora", "haproxy", "octavia", "keepalived", "syslog", "messages", "daemon.log", "kern.log"]
    // Compressed ones cannot be searched for secrets.
    parts += BundlePart.folder(places.logs) { name in
      prefixes.contains { name.hasPrefix($0) } && !name.hasSuffix(".gz") && !name.hasSuffix(".xz")
        && !name.hasSuffix(".zst")
    }
    return parts
  }

  private static func units(_ amphora: LocalAmphora) -> [String] {
    let balancers = LoadBalancerStore(paths: amphora.paths).ids().map { "haproxy-\($0).service" }
    let listeners = LVSStore(paths: amphora.paths).ids().map { "octavia-keepalivedlvs-\($0).service" }
    return [
      "amphora-agent.service", "amphora-netns.service", "amphora-init.service", "octavia-keepalived.service",
      "prometheus-proxy.service", "certs-ramfs.service", "rsyslog.service",
    ] + balancers + listeners
  }
}

/// Notes that a socket does not answer, so that it is waited for once only.
private final class SilentSocket: Sendable {
  private let flag = Mutex(false)
  var isNoted: Bool { flag.withLock { $0 } }
  func note() { flag.withLock { $0 = true } }
}

/// One examination for both of its forms.
private actor DoctorOnce {
  private let amphora: LocalAmphora
  private var report: DoctorReport?

  init(_ amphora: LocalAmphora) { self.amphora = amphora }

  var value: DoctorReport {
    get async {
      if let report { return report }
      let new = await Doctor(limit: .seconds(8)).examine(amphora)
      report = new
      return new
    }
  }
}
