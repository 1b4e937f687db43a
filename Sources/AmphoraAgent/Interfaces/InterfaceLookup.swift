// Questions about the interfaces of the namespace. Asking never creates it: a missing one has no interfaces (W23).

package import Addresses
package import AmphoraProtocol
package import Netlink

/// Looks things up in the namespace.
package struct InterfaceLookup: Sendable {
  /// The namespace of the traffic interfaces.
  package let namespace: NetworkNamespace

  /// Makes a lookup.
  package init(namespace: NetworkNamespace) { self.namespace = namespace }

  /// The name of the interface that has the address, in whatever state it is there; nil when none has it.
  package func interface(holding address: IPAddress) async throws -> String? {
    try await inNamespace { socket in
      guard let index = try socket.addresses().first(where: { $0.address == address })?.linkIndex else { return nil }
      return try socket.link(index: index)?.name
    }
  }

  /// The counters of the interfaces `eth…`, by name, for `GET /1.0/details`.
  package func counters() async throws -> [String: DetailsBody.Network] {
    try await inNamespace { socket in
      let links = try socket.links().filter { $0.name.hasPrefix("eth") }
      return Dictionary(
        links.map { link in
          let network = DetailsBody.Network(
            networkTx: link.statistics.sentBytes, networkRx: link.statistics.receivedBytes)
          return (link.name, network)
        }, uniquingKeysWith: { $1 })
    } ?? [:]
  }

  private func inNamespace<T: Sendable>(_ body: @escaping @Sendable (NetlinkSocket) throws -> T?) async throws -> T? {
    do {
      return try await namespace.run { try body(NetlinkSocket()) }
    } catch NetworkNamespaceError.missing, NetworkNamespaceError.notANamespace {
      return nil
    }
  }
}
