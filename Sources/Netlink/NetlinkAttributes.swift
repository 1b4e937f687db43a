// Attributes of messages that libnl has no objects for: length and type, 16 bits each in host order, then the value,
// padded to 4 bytes (linux/netlink.h). What does not fit ends the list.

/// The attributes of one level of a message, by type; of two with one type, the last counts.
struct NetlinkAttributes {
  private var values: [Int: ArraySlice<UInt8>] = [:]

  init(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while rest.count >= 4 {
      let length = Int(Self.number(rest.prefix(2)))
      guard (4...rest.count).contains(length) else { return }
      // The two highest bits say that the value is nested, or in network order (NLA_TYPE_MASK).
      let type = Int(Self.number(rest.dropFirst(2).prefix(2)) & 0x3FFF)
      values[type] = rest.prefix(length).dropFirst(4)
      rest = rest.dropFirst((length + 3) & ~3)
    }
  }

  subscript(type: Int) -> ArraySlice<UInt8>? { values[type] }

  /// A number in host order of 1, 2, 4 or 8 bytes.
  func number(_ type: Int) -> UInt64? {
    guard let value = values[type], [1, 2, 4, 8].contains(value.count) else { return nil }
    return Self.number(value)
  }

  /// The attributes within an attribute.
  func nested(_ type: Int) -> NetlinkAttributes? { values[type].map { NetlinkAttributes($0) } }

  /// Little endian, as every machine that the image is built for.
  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
