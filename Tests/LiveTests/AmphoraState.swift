// What an amphora has on disk, in its kernel and on its ports, as texts to compare.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Testing

/// By what it is of: a path, or a word for what is not a file.
typealias AmphoraState = [String: String]

extension LiveAmphora {
  /// The agent's folders with all that is in them: kind, mode, and content where it is the same each time.
  func files() -> AmphoraState {
    var state = AmphoraState()
    for folder in ["/etc/octavia", "/var/lib/octavia"] { collect(folder, &state) }
    return state
  }

  private func collect(_ path: String, _ state: inout AmphoraState) {
    // As the amphora sees it, with what tests mount there.
    var status = stat()
    guard lstat(vm.live(path), &status) == 0 else { return }
    let mode = String(status.st_mode & 0o7777, radix: 8)
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      state[path] = "folder \(mode)"
      for name in FileRead.names(in: vm.live(path)) where !Self.others.contains(where: name.contains) {
        collect("\(path)/\(name)", &state)
      }
    case S_IFREG where Self.varying.contains(where: path.hasSuffix): state[path] = "file \(mode)"
    case S_IFREG: state[path] = "file \(mode) \(FileRead.text(vm.live(path)) ?? "unreadable")"
    default: state[path] = "other \(mode)"
    }
  }

  /// Files whose content tells times.
  private static let varying = ["/servers-state"]
  /// Files that are not the agent's, or come at any time: what haproxy and keepalived write of themselves, which may or may
  /// not outlive them, and the counters of heartbeats.
  private static let others = [".pid", "stats_counters.json"]

  /// A NIC in the root namespace, and an interface in the traffic namespace with all that belongs to it.
  func interface(_ name: String, nic: String) async throws -> AmphoraState {
    let inside = try await ip("-o link show dev \(name)").joined()
    var state = ["nic": try await run("/sbin/ip -o link show dev \(nic)").isSuccess ? "outside" : "not outside"]
    state["link"] = inside.contains("link/ether") ? (inside.contains(",UP") ? "up" : "down") : "none"
    state["addresses"] = state["link"] == "none" ? "" : try await addresses(name).joined(separator: ", ")
    for family in ["-4", "-6"] {
      for table in ["main", "1"] {
        state["routes \(family) \(table)"] = try await routes(family, table: table).joined(separator: ", ")
      }
      state["rules \(family)"] = try await rules(family).joined(separator: ", ")
    }
    return state
  }

  /// What a request to port 8080 inside the traffic namespace is answered; nil when nobody does.
  func served() async throws -> String? {
    let script = """
      exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && /usr/bin/tail -n 1 <&3
      """
    let result = try await vm.run(
      ["/usr/bin/timeout", "5", "/sbin/ip", "netns", "exec", "amphora-haproxy", "/bin/bash", "-c", script])
    return result.isSuccess ? result.output : nil
  }
}

/// A load balancer that answers requests with the version of its configuration.
struct VersionedBalancer {
  let amphora: LiveAmphora
  let id = freshID()
  var folder: String { "/var/lib/octavia/\(id)" }

  func configuration(_ version: String, extra: String = "") -> String {
    HAProxyUploadTests.idle(
      id,
      extra: """
        frontend c1a7b3de-0000-4000-8000-000000000009
            bind 127.0.0.1:8080
            http-request return status 200 content-type text/plain string \(version)
        \(extra)
        """)
  }

  func upload(_ version: String, extra: String = "") async throws -> AgentAnswer {
    try await amphora.send(
      "PUT", "/1.0/loadbalancer/\(amphora.id)/\(id)/haproxy", configuration(version, extra: extra))
  }

  func control(_ action: String) async throws -> AgentAnswer {
    try await amphora.send("PUT", "/1.0/loadbalancer/\(id)/\(action)")
  }

  func delete() async throws -> AgentAnswer { try await amphora.send("DELETE", "/1.0/listeners/\(id)") }

  /// Uploads and reloads or starts.
  func deploy(_ version: String) async throws {
    #expect(try await upload(version).status == 202)
    let answer = try await control("reload")
    #expect(answer.status == 202, "\(answer.text)")
  }

  /// Disk and port.
  func state() async throws -> AmphoraState {
    var state = amphora.files()
    state["served"] = try await amphora.served()
    return state
  }
}
