// A real haproxy on UNIX sockets, laid out on disk as the agent does.

import Files
import Glibc
import TestSupport

@testable import AmphoraAgent

/// One load balancer below a base folder.
final class LiveHAProxy: Sendable {
  static let program = "/usr/sbin/haproxy"
  static var isInstalled: Bool { access(program, X_OK) == 0 }

  let id: String
  let folder: LabFolder

  init(_ folder: LabFolder, id: String = "aaaaaaaa-0000-4000-8000-000000000001") {
    self.id = id
    self.folder = folder
  }

  var socket: StatsSocket { StatsSocket(path: "\(folder.path)/\(id).sock") }
  func frontendSocket(_ listener: String) -> String { "\(folder.path)/\(id)/\(listener.prefix(8)).front" }

  /// Writes a configuration with these listeners (each answers every request itself) and further sections.
  func configure(listeners: [String], sections: String = "") throws {
    folder.folder(id)
    var text = """
      global
          maxconn 100
          stats socket \(folder.path)/\(id).sock mode 600 level admin expose-fd listeners
          log /dev/null local0
      defaults
          mode http
          timeout connect 1s
          timeout client 10s
          timeout server 10s

      """
    for listener in listeners {
      text += """
        frontend \(listener)
            mode http
            bind unix@\(frontendSocket(listener))
            http-request return status 200 content-type text/plain string hello

        """
    }
    try folder.write("\(id)/haproxy.cfg", text + sections + "\n")
  }

  /// Starts haproxy as master and worker, and waits until it answers.
  @discardableResult
  func start() async throws -> pid_t {
    let cfg = "\(folder.path)/\(id)/haproxy.cfg"
    let pidFile = "\(folder.path)/\(id)/\(id).pid"
    let pid = try folder.start(Self.program, ["-Ws", "-f", cfg, "-p", pidFile])
    try await waitForAnswer("after its start") { _ in true }
    // The worker may answer before the master's loop runs, and until then the master ignores signals.
    try await poll("a master that catches signals", within: .seconds(15)) { Self.catches(SIGUSR2, pid) }
    return pid
  }

  /// Whether a process has a handler for a signal: bit n-1 of SigCgt (proc_pid_status(5)).
  private static func catches(_ signal: CInt, _ pid: pid_t) -> Bool {
    let lines = FileRead.text("/proc/\(pid)/status")?.split(separator: "\n") ?? []
    guard let mask = lines.first(where: { $0.hasPrefix("SigCgt:") })?.dropFirst(7) else { return false }
    return UInt64(mask.filter { !$0.isWhitespace }, radix: 16).map { $0 >> UInt64(signal - 1) & 1 == 1 } ?? false
  }

  /// Waits until `show info` answers something that fits.
  func waitForAnswer(_ when: String, _ fits: @escaping @Sendable ([String: String]) -> Bool) async throws {
    let socket = socket
    let last = try await HeartbeatLab.offPool {
      let deadline = ContinuousClock.now + .seconds(15)
      var last: String?
      while ContinuousClock.now < deadline {
        do {
          let information = try socket.showInfo()
          if fits(information) { return String?.none }
          last = "Pid \(information["Pid"] ?? "?")"
        } catch { last = "\(error)" }
        poll(nil, 0, 10)
      }
      return last
    }
    if let last {
      let errors = FileRead.text(folder.path + "/stderr") ?? ""
      throw LabFailure("haproxy does not answer \(when): \(last); \(errors)", code: ETIMEDOUT)
    }
  }

  /// Reloads as systemd does (USR2 to the master) and waits for the new process.
  func reload(_ master: pid_t) async throws {
    let old = try await HeartbeatLab.offPool { [socket] in try socket.showInfo()["Pid"] }
    kill(master, SIGUSR2)
    try await waitForAnswer("after its reload") { $0["Pid"] != old }
  }

  /// Makes requests to a listener, each on a connection of its own; returns the bytes that came back.
  @discardableResult
  func request(_ listener: String, count: Int) async throws -> Int {
    let path = frontendSocket(listener)
    return try await HeartbeatLab.offPool {
      var total = 0
      for _ in 0..<count {
        // The stats socket's client serves as well: connect, write, read to the end.
        total += try StatsSocket(path: path, timeout: .seconds(5)).query("GET / HTTP/1.0\r\n\r").count
      }
      return total
    }
  }
}
