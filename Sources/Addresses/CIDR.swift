// A network prefix such as 203.0.113.0/24.

/// An IP network: an address and the length of its prefix in bits.
public struct CIDR: Hashable, Sendable, CustomStringConvertible {
  /// The address as given; host bits may be set unless made by ``init(strict:)``.
  public let address: IPAddress
  /// The number of leading bits that name the network: 0...32 or 0...128.
  public let prefixLength: Int

  /// Makes a network; nil when the length does not fit the address family.
  public init?(address: IPAddress, prefixLength: Int) {
    guard (0...address.family.bitWidth).contains(prefixLength) else { return nil }
    self.address = address
    self.prefixLength = prefixLength
  }

  /// Parses `ADDRESS/LENGTH`, or an address alone, which is a network of one host.
  ///
  /// Host bits are kept.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]) else { return nil }
    guard parts.count == 2 else {
      self.init(address: address, prefixLength: address.family.bitWidth)
      return
    }
    guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
      let length = Int(parts[1])
    else { return nil }
    self.init(address: address, prefixLength: length)
  }

  /// Parses like ``init(_:)`` but refuses a network with host bits set, as controllers' API does.
  public init?(strict text: some StringProtocol) {
    guard let network = CIDR(text), network.address == network.network.address else { return nil }
    self = network
  }

  /// The same network with its host bits cleared.
  public var network: CIDR { CIDR(unchecked: address.masked(to: prefixLength), prefixLength) }

  /// Whether `candidate` lies in this network.
  public func contains(_ candidate: IPAddress) -> Bool {
    candidate.family == address.family && candidate.masked(to: prefixLength) == address.masked(to: prefixLength)
  }

  /// The whole address space of a family: `0.0.0.0/0` or `::/0`.
  public static func everything(_ family: IPAddress.Family) -> CIDR {
    CIDR(unchecked: .any(family), 0)
  }

  private init(unchecked address: IPAddress, _ prefixLength: Int) {
    self.address = address
    self.prefixLength = prefixLength
  }

  /// `ADDRESS/LENGTH` with the address in canonical form.
  public var description: String { "\(address)/\(prefixLength)" }
  /// `ADDRESS/LENGTH` with the address in upstream's long form; see ``IPAddress/exploded``.
  public var exploded: String { "\(address.exploded)/\(prefixLength)" }
}
