// The agent's process and who listens on its port, from /proc, without asking the agent.

import Files
import Glibc

/// A live `amphora-agent serve`.
struct RunningAgent: Sendable {
  let pid: Int32
  private let folder: String

  /// The agent of this machine; nil when none runs.
  static func find(_ machine: Machine) -> RunningAgent? {
    for (pid, _) in machine.processes(named: ["amphora-agent"]) {
      let folder = "\(machine.proc)/\(pid)"
      // Commands for operators, this one among them, have the same name. What has ended has no command line any more.
      let words = (FileRead.text("\(folder)/cmdline") ?? "").split(separator: "\0")
      if words.dropFirst().first == "serve" { return RunningAgent(pid: pid, folder: folder) }
    }
    return nil
  }

  /// The inodes of its sockets.
  var sockets: Set<UInt64> { SocketTable.inodes(folder) }

  /// How many files it has open and may have open.
  var files: (open: Int, limit: Int)? {
    let open = FileRead.names(in: "\(folder)/fd").count
    // `Max open files            4096                 4096                 files`: soft, then hard (proc(5)).
    for line in (FileRead.text("\(folder)/limits") ?? "").split(separator: "\n") where line.hasPrefix("Max open files")
    {
      guard let limit = line.split(separator: " ").dropFirst(3).first.flatMap({ Int($0) }) else { return nil }
      return (open, limit)
    }
    return nil
  }
}

/// A row of a namespace's TCP tables.
struct ListeningSocket: Hashable, Sendable {
  let port: UInt16
  let inode: UInt64
}

/// Reads /proc/PID/net/tcp and tcp6.
enum SocketTable {
  /// The listening sockets in a process's network namespace.
  static func listening(pid: Int32, _ machine: Machine) -> [ListeningSocket] {
    ["tcp", "tcp6"].flatMap { parse(FileRead.text("\(machine.proc)/\(pid)/net/\($0)") ?? "") }
  }

  /// The rows in state LISTEN.
  ///
  /// `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …`; addresses and ports in hexadecimal, 0A is
  /// LISTEN (proc_net_tcp in the kernel's documentation).
  static func parse(_ text: String) -> [ListeningSocket] {
    text.split(separator: "\n").dropFirst().compactMap { line in
      let words = line.split(separator: " ")
      guard words.count > 9, words[3] == "0A", let colon = words[1].lastIndex(of: ":"),
        let port = UInt16(words[1][words[1].index(after: colon)...], radix: 16), let inode = UInt64(words[9])
      else { return nil }
      return ListeningSocket(port: port, inode: inode)
    }
  }

  /// The inodes of the sockets that a process has open; links read `socket:[12345]`.
  static func inodes(_ folder: String) -> Set<UInt64> {
    Set(
      FileRead.names(in: "\(folder)/fd").compactMap { name in
        guard let target = try? FileRead.link("\(folder)/fd/\(name)"), target.hasPrefix("socket:[") else { return nil }
        return UInt64(target.dropFirst("socket:[".count).dropLast())
      })
  }

  /// The process that has one of these sockets open.
  static func owner(of inodes: Set<UInt64>, _ machine: Machine) -> (pid: Int32, name: String)? {
    for entry in FileRead.names(in: machine.proc) {
      guard let pid = Int32(entry), !Self.inodes("\(machine.proc)/\(entry)").isDisjoint(with: inodes) else { continue }
      return (pid, String((FileRead.text("\(machine.proc)/\(entry)/comm") ?? "?").prefix { !$0.isNewline }))
    }
    return nil
  }
}
