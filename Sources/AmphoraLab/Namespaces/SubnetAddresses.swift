// Which address of a subnet a new port gets.

import Addresses

/// The addresses of a subnet.
struct SubnetAddresses {
  let network: CIDR

  /// A free address: from the middle of the subnet upwards, so that the low ones are left for hosts with fixed addresses.
  func free(besides taken: Set<IPAddress>) -> IPAddress? {
    let bits = min(network.address.family.bitWidth - network.prefixLength, 16)
    let count = UInt64(1) << UInt64(bits)
    // Neither the network's own address nor, with IPv4, the broadcast address.
    let last = network.address.family == .v4 ? count - 2 : count - 1
    guard last >= 1 else { return nil }
    let middle = max(1, count / 2)
    let order = [middle...max(middle, last), 1...max(1, middle - 1)]
    for range in order {
      for offset in range where offset <= last {
        if let address = address(offset), !taken.contains(address) { return address }
      }
    }
    return nil
  }

  /// The address with this host part.
  func address(_ offset: UInt64) -> IPAddress? {
    var bytes = network.network.address.bytes
    var rest = offset
    for index in bytes.indices.reversed() where rest > 0 {
      bytes[index] |= UInt8(truncatingIfNeeded: rest)
      rest >>= 8
    }
    return IPAddress(bytes: bytes)
  }
}
