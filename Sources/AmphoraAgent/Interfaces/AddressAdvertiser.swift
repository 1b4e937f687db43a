// Telling the neighbours of the namespace where addresses live, best effort (contract networking §7).

package import Addresses
package import Logging
package import Netlink

/// Sends one advertisement per address, out of the interface that has it.
package struct AddressAdvertiser: Sendable {
  /// An address that could not be advertised.
  package struct Failure: Hashable, Sendable {
    /// The address.
    package let address: IPAddress
    /// Why.
    package let reason: String
  }

  private let namespace: NetworkNamespace
  private let logger: Logger

  /// Makes an advertiser.
  package init(namespace: NetworkNamespace, logger: Logger) {
    self.namespace = namespace
    self.logger = logger
  }

  /// Advertises without the caller waiting for it; what fails is logged.
  package func advertiseInBackground(_ addresses: [IPAddress]) {
    guard !addresses.isEmpty else { return }
    Task { await advertise(addresses) }
  }

  /// Advertises each address once, without loopback addresses.
  ///
  /// A failure does not stop the rest (W25).
  @discardableResult
  package func advertise(_ addresses: [IPAddress]) async -> [Failure] {
    var seen: Set<IPAddress> = []
    let wanted = addresses.filter { !$0.isLoopback && !$0.isUnspecified && seen.insert($0).inserted }
    guard !wanted.isEmpty else { return [] }
    var failures: [Failure]
    do {
      failures = try await namespace.run { try Self.send(wanted) }
    } catch {
      failures = wanted.map { Failure(address: $0, reason: "\(error)") }
    }
    for failure in failures {
      logger.warning(
        "address not advertised", metadata: ["address": "\(failure.address)", "reason": "\(failure.reason)"])
    }
    return failures
  }

  /// Blocks; in the calling thread's namespace.
  private static func send(_ addresses: [IPAddress]) throws -> [Failure] {
    let socket = try NetlinkSocket()
    let present = try socket.addresses()
    let links = try socket.links()
    return addresses.compactMap { address in
      guard let index = present.first(where: { $0.address == address })?.linkIndex,
        let link = links.first(where: { $0.index == index })
      else { return Failure(address: address, reason: "no interface has it") }
      do {
        try AddressAnnouncement.send(address, on: link)
        return nil
      } catch {
        return Failure(address: address, reason: "\(error)")
      }
    }
  }
}
