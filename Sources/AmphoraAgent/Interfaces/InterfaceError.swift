// What goes wrong when interfaces are configured or plugged.

import Addresses
package import Files
package import Netlink

/// Why an interface could not be configured.
package enum InterfaceError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No link of that name is in the namespace.
  case linkMissing(InterfaceName)
  /// The kernel refused a request without which the interface cannot work.
  case kernel(NetlinkError)
  /// A script of the interface file failed, or did not end in time.
  case script(String, ProcessFailure)
  /// The masquerade rules could not be loaded.
  case masquerade(ProcessFailure)
  /// The DHCP client failed, or got no lease in time.
  case dhcp(InterfaceName, ProcessFailure)
  /// The interface wants DHCP, and there is no client.
  case dhcpClientMissing(InterfaceName, program: String)
  /// The firewall of an SR-IOV port could not be loaded; without it the port stays down.
  case firewall(InterfaceName, VIPFirewall.Failure)

  /// For logs, and for the `details` of a failed plug.
  package var description: String {
    switch self {
    case .linkMissing(let name): "there is no link \(name) in the namespace"
    case .kernel(let error): "\(error)"
    case .script(let command, let failure): "script '\(command)': \(failure)"
    case .masquerade(let failure): "masquerade rules: \(failure)"
    case .dhcp(let name, let failure): "DHCP on \(name): \(failure)"
    case .dhcpClientMissing(let name, let program):
      "\(name) has no fixed address and wants DHCP, but \(program) is not installed; give the port fixed addresses or "
        + "install a DHCP client"
    case .firewall(let name, let failure):
      "\(name) stays down, because SR-IOV ports bypass security groups and its firewall cannot be loaded: \(failure)"
    }
  }
}

/// Why a plug failed with something else than a refusal of its body.
package enum PlugError: Error, Sendable, CustomStringConvertible {
  /// No NIC with the MAC address is there; the controller repeats the request until it is (status 404).
  case noSuitableInterface(String)
  /// The name belongs to another NIC of the namespace.
  case nameTaken(InterfaceName, by: String)
  /// A file could not be written.
  case file(DurableFile.Failure)
  /// The namespace could not be made or entered.
  case namespace(NetworkNamespaceError)
  /// The link could not be found or moved.
  case kernel(NetlinkError)
  /// The interface is in the namespace but could not be brought up.
  case bringUp(InterfaceName, InterfaceError)

  /// For logs, and for the `details` of a failed plug.
  package var description: String {
    switch self {
    case .noSuitableInterface(let mac): "no link with MAC address \(mac)"
    case .nameTaken(let name, let mac): "the name \(name) belongs to another NIC in the namespace, \(mac)"
    case .file(let failure): "\(failure)"
    case .namespace(let error): "\(error)"
    case .kernel(let error): "\(error)"
    case .bringUp(let name, let error): "\(name): \(error)"
    }
  }
}
