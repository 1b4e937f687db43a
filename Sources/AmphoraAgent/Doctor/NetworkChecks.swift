// What can be wrong with the traffic namespace: links, addresses, routes, rules, neighbours.

import Glibc
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
    } catch NetworkNamespaceError.failed(_, _, errno: EPERM) {
      return [
        .warning(
          name, "only root can look into \(namespace.name); its checks are left out",
          remedy: "sudo amphora-agent doctor")
      ]
    } catch {
      return [
        .failure(name, "\(namespace.name): \(error)", remedy: "amphora-agent netns up" + amphora.configurationOption)
      ]
    }
  }
}

extension DoctorCheck {
  /// What a check says that could not look: no verdict, but not silence either.
  func blind(_ error: any Error) -> [Finding] {
    [.warning(name, "could not be examined: \(error)", remedy: "mend what the other findings say, then ask again")]
  }
}
