// A member that speaks as much SCTP as a health check hears, over a raw socket.

import Addresses
import Glibc
import Netlink
import Synchronization
import Testing

@testable import AmphoraAgent

/// Answers one INIT as told, in a namespace of a lab.
final class SCTPMember: Sendable {
  private let socket: LabSocket
  private let headerLength: Int

  init(_ address: String, in namespace: NetworkNamespace) throws {
    socket = try LabSocket(.raw(132), at: address, in: namespace)
    headerLength = address.contains(":") ? 0 : 20
  }

  /// The next packet, without the IP header.
  func receive() throws -> [UInt8] { Array(try socket.receive().dropFirst(headerLength)) }

  /// Whether nothing has come.
  var isIdle: Bool { socket.isIdle }

  /// Sends a packet with one chunk in answer to another packet; `change` may spoil it.
  func answer(_ packet: [UInt8], _ chunk: UInt8, to client: String, _ change: (inout [UInt8]) -> Void = { _ in }) throws
  {
    // Ports the other way round, the initiate tag of the INIT as verification tag.
    var answer = packet[2..<4] + packet[0..<2] + packet[16..<20] + [0, 0, 0, 0, chunk, 0, 0, 4]
    answer = [] + answer
    var bytes = Array(answer)
    change(&bytes)
    try socket.send(bytes, to: client)
  }
}
