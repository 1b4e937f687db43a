// Names of interfaces, as a type that can stand in a path, in an argument vector and in a ruleset.

/// The name of a network interface: 1 to 15 letters, digits, `.`, `_` or `-`, and neither `.` nor `..`.
///
/// That is narrower than what the kernel takes, so that a name can stand in a path and in a ruleset.
package struct InterfaceName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The name's text.
  package let text: String

  /// Parses a name; nil when it is not of the grammar.
  package init?(_ text: some StringProtocol) {
    let isAllowed = { (byte: UInt8) in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    guard (1...15).contains(text.utf8.count), text != ".", text != "..", text.utf8.allSatisfy(isAllowed) else {
      return nil
    }
    self.text = String(text)
  }

  private init(known text: String) { self.text = text }

  /// The port that carries the VIPs, always.
  package static let vipPort = InterfaceName(known: "eth1")
  /// The loopback link.
  package static let loopback = InterfaceName(known: "lo")
  /// `eth<number>`.
  package static func ethernet(_ number: UInt16) -> InterfaceName { InterfaceName(known: "eth\(number)") }

  /// The smallest `eth2`, `eth3` … that is not taken (contract networking §2.1); `eth0` and `eth1` are never handed out.
  package static func firstFree(notIn taken: some Sequence<InterfaceName>) -> InterfaceName {
    let taken = Set(taken)
    var number: UInt16 = 2
    while taken.contains(.ethernet(number)), number < .max { number += 1 }
    return .ethernet(number)
  }

  /// Orders by text.
  package static func < (left: InterfaceName, right: InterfaceName) -> Bool { left.text < right.text }

  /// The name's text.
  package var description: String { text }
}
