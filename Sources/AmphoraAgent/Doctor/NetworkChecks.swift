// What can be wrong with the traffic namespace: links, addresses, routes, rules, neighbours.

import Netlink

package enum NetworkChecks {
  package static var all: [any DoctorCheck] {
    [
      NamespaceCheck(), SettingsCheck(), InterfaceFilesCheck(), InterfaceCheck(), LinkHealthCheck(),
      PacketFilterCheck(),
      VIPCheck(), DuplicateVIPCheck(), ReachabilityCheck(),
    ]
  }
}

/// Whether the namespace of the traffic interfaces is there.
struct NamespaceCheck: DoctorCheck {
  let name = "namespace"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let namespace = amphora.interfaces.namespace
    do {
      _ = try NetlinkSocket(in: namespace)
      return [.pass(name, "\(namespace.name) is there")]
    } catch {
      return [
        .failure(name, "\(namespace.name): \(error)", remedy: "amphora-agent netns up" + amphora.configurationOption)
      ]
    }
  }
}
