// A UDP listener on an amphora under test. Its pool's members are switched off: keepalived then runs with all its processes,
// and needs nothing of the kernel's load balancer, which is not everywhere.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

struct LVSListener {
  let amphora: LiveAmphora
  let id = ListenerID(unchecked: freshID().text)
  let pool = freshID().text
  /// The pool's members.
  let members = [freshID().text, freshID().text]

  static let folder = "/var/lib/octavia/lvs"
  var stem: String { "\(Self.folder)/octavia-keepalivedlvs-\(id)" }
  var unit: String { "octavia-keepalivedlvs-\(id).service" }
  var object: ServiceObjectID { ServiceObjectID(unchecked: id.text) }

  /// - Parameters:
  ///   - version: makes one text differ from another.
  ///   - servers: what stands in the virtual server after the disabled members.
  func configuration(_ version: String = "v1", servers: String = "") -> String {
    """
    # Configuration for Loadbalancer aaaaaaaa-0000-4000-8000-000000000001
    # Configuration for Listener \(id)
    # \(version)
    net_namespace amphora-haproxy

    virtual_server_group ipv4-group {
        203.0.113.10 5353
    }

    virtual_server group ipv4-group {
        lb_algo wrr
        lb_kind NAT
        protocol UDP

        # Configuration for Pool \(pool)
    \(members.map { "    # Member \($0) is disabled\n" }.joined())\(servers)
    }

    """
  }

  /// A member, and what stands for it in ``configuration(_:servers:)``.
  static func server(_ id: String) -> String {
    """
        # Configuration for Member \(id)
        real_server 192.0.2.21 53 {
            weight 1
            MISC_CHECK {
                misc_path "/var/lib/octavia/lvs/check/udp_check.sh 192.0.2.21 53"
                misc_timeout 5
            }
        }
    """
  }

  /// The listener without a pool.
  var withoutPool: String {
    "# Configuration for Listener \(id)\n\nnet_namespace amphora-haproxy\n\n"
  }

  func upload(_ text: String) async throws -> AgentAnswer {
    try await amphora.send("PUT", "/1.0/listeners/\(amphora.id)/\(id)/udp_listener", text)
  }

  func control(_ action: String) async throws -> AgentAnswer {
    try await amphora.send("PUT", "/1.0/loadbalancer/\(id)/\(action)")
  }

  func delete() async throws -> AgentAnswer { try await amphora.send("DELETE", "/1.0/listeners/\(id)") }

  /// What `GET /listeners` says; nil when it is not there.
  func listed() async throws -> String? {
    try await amphora.client.listListeners().first { $0.uuid == id.text }.map { "\($0.status) \($0.type)" }
  }

  /// keepalived's first process; nil when none runs.
  var main: Int32? {
    get async throws {
      guard let pid = Int32((amphora.text("\(stem).pid") ?? "").filter(\.isNumber)) else { return nil }
      return try await amphora.processes("keepalived").contains(pid) ? pid : nil
    }
  }

  /// Disk and process.
  func state() async throws -> AmphoraState {
    var state = amphora.files()
    state["keepalived"] = try await main == nil ? "ended" : "runs"
    return state
  }
}
