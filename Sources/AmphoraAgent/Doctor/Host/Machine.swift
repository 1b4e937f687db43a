// What several checks of the machine share: where its facts are read, and the remedies that only a controller has.

import Files

/// The machine that the doctor looks at.
struct Machine: Sendable {
  /// proc(5).
  var proc = "/proc"
  /// sysfs(5).
  var sys = "/sys"
  /// The wall clock, in seconds since 1970.
  var now: @Sendable () -> Int64 = { UnixTime.now }

  /// Whether systemd is the first process (sd_booted(3)).
  static var runsSystemd: Bool { FileRead.exists("/run/systemd/system") }

  /// The words of a number's line, such as `MemTotal:  1014096 kB` or `oom_kill 3`, from files with one number per line.
  static func number(_ key: String, in text: String) -> Int? {
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      let words = line.split { $0 == " " || $0 == ":" || $0 == "\t" }
      if words.count >= 2, words[0] == key { return Int(words[1]) }
    }
    return nil
  }

  /// The live processes with this name (the kernel keeps 15 bytes of it).
  func processes(named wanted: Set<String>) -> [(pid: Int32, name: String)] {
    FileRead.names(in: proc).compactMap { entry in
      guard let pid = Int32(entry), let text = FileRead.text("\(proc)/\(entry)/comm") else { return nil }
      let name = String(text.prefix { !$0.isNewline })
      return wanted.contains(name) ? (pid, name) : nil
    }
  }
}

extension LocalAmphora {
  /// The configuration, when it is valid; ``ConfigurationCheck`` reports the others.
  var validConfiguration: AgentConfiguration? { try? configuration.get() }

  /// This amphora's id for a command; a word in capitals where it is unknown.
  private var idForCommands: String { validConfiguration?.amphoraID ?? "AMPHORA_ID" }

  /// Has the controller replace this amphora by a new one, with new certificates.
  var failover: String { "openstack loadbalancer amphora failover \(idForCommands)" }

  /// Has the controller send the agent's configuration again.
  var configureAgain: String { "openstack loadbalancer amphora configure \(idForCommands)" }
}

/// Numbers as people read them.
enum Readable {
  /// Bytes in the unit that leaves one to three digits before the point.
  static func bytes(_ count: UInt64) -> String {
    if count < 1_000_000 { return "\(count / 1000) kB" }
    return count < 10_000_000_000 ? "\(count / 1_000_000) MB" : "\(count / 1_000_000_000) GB"
  }

  /// `1 file`, `2 files`.
  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// Seconds in the largest unit of which there are two.
  static func seconds(_ count: Int64) -> String {
    if count < 120 { return "\(count) s" }
    if count < 7200 { return "\(count / 60) minutes" }
    return count < 172_800 ? "\(count / 3600) hours" : "\(count / 86_400) days"
  }
}
