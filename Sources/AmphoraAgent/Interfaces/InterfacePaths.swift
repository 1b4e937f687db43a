// Where the parts of this folder find things; the defaults are the contract's (networking, first table).

package import Netlink

/// The namespaces, files and programs that interface work touches.
package struct InterfacePaths: Sendable {
  /// The namespace of the traffic interfaces.
  package var namespace: NetworkNamespace
  /// Where NICs appear; nil for the namespace the agent runs in.
  ///
  /// Tests and laboratories set another.
  package var rootNamespace: NetworkNamespace?
  /// `[amphora_agent] agent_server_network_dir`.
  package var interfaces: String = "/etc/octavia/interfaces"
  /// The list that the boot joins with the NICs of the root namespace.
  package var pluggedInterfaces: String = "/var/lib/octavia/plugged_interfaces"
  /// The SR-IOV firewall's rules.
  package var firewallRules: String = "/var/lib/octavia/nftables-vip.rules"
  /// Written to when a NIC is not there yet.
  package var pciRescan: String = "/sys/bus/pci/rescan"
  /// nft(8), for the masquerade rules and the SR-IOV firewall.
  package var nft: String = "/usr/sbin/nft"
  /// ISC's DHCPv4 client.
  package var dhclient: String = "/sbin/dhclient"
  /// Where dhclient keeps its leases.
  package var dhclientLeases: String = "/var/lib/dhclient"
  /// Where dhclient keeps its pid files.
  package var dhclientPIDs: String = "/run"

  /// The contract's paths.
  ///
  /// Fails only for a name that cannot be a namespace's.
  package init?(namespaceNamed name: String = "amphora-haproxy") {
    guard let namespace = NetworkNamespace(name) else { return nil }
    self.namespace = namespace
  }

  /// The contract's paths for a namespace.
  package init(namespace: NetworkNamespace) { self.namespace = namespace }

  /// The filter of SR-IOV ports.
  package var firewall: VIPFirewall { VIPFirewall(file: firewallRules, nft: nft) }

  /// The folder of interface files.
  package var store: InterfaceFileStore { InterfaceFileStore(directory: interfaces) }
}
