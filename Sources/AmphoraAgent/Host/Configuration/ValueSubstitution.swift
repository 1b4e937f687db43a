// `$name` substitution in values: contract heartbeat-and-config §1.2 rule 9.

/// Replaces `$name`, `${name}` and `${group.name}` by the values of other options.
struct ValueSubstitution {
  /// Longest value after substitution, in bytes; nested references would otherwise grow a small file without bounds.
  static let maximumLength = 65_536

  /// Deepest chain of references followed.
  static let maximumDepth = 16

  /// A value grew beyond ``maximumLength`` or its references go deeper than ``maximumDepth``.
  struct TooLong: Error {}

  /// Looks up the raw text of an option, itself not yet substituted; nil if there is no such option.
  let lookup: (_ section: String, _ name: String) -> String?

  /// The value with references replaced.
  ///
  /// What cannot be resolved, or refers to itself, stays as it is written.
  func expand(_ value: String, section: String) throws(TooLong) -> String {
    guard value.utf8.contains(UInt8(ascii: "$")) else { return value }
    var budget = Self.maximumLength
    return String(decoding: try expand(value, section: section, visiting: [], budget: &budget), as: UTF8.self)
  }

  private func expand(
    _ value: String, section: String, visiting: Set<[String]>, budget: inout Int
  ) throws(TooLong) -> [UInt8] {
    let bytes = Array(value.utf8)
    guard bytes.count <= budget, visiting.count <= Self.maximumDepth else { throw TooLong() }
    var output: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : nil
      if byte == UInt8(ascii: "\\") && next == UInt8(ascii: "$") || byte == UInt8(ascii: "$") && next == byte {
        output.append(UInt8(ascii: "$"))
        index += 2
      } else if byte == UInt8(ascii: "$"), let reference = Self.reference(in: bytes, at: index),
        let found = resolve(reference.name, section: section), !visiting.contains(found.name)
      {
        output += try expand(
          found.value, section: found.name[0], visiting: visiting.union([found.name]), budget: &budget)
        index = reference.end
      } else {
        output.append(byte)
        index += 1
      }
    }
    budget -= max(output.count, 1)
    guard budget >= 0 else { throw TooLong() }
    return output
  }

  private func resolve(_ name: String, section: String) -> (name: [String], value: String)? {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let candidates = parts.count == 2 ? [parts] : [[section, name], ["DEFAULT", name]]
    for candidate in candidates {
      guard let value = lookup(candidate[0], candidate[1]) else { continue }
      return ([candidate[0].lowercased(), candidate[1]], value)
    }
    return nil
  }

  /// The identifier behind a `$`, with or without braces: a letter or `_`, then letters, digits, `_` and `.`.
  private static func reference(in bytes: [UInt8], at dollar: Int) -> (name: String, end: Int)? {
    let braced = dollar + 1 < bytes.count && bytes[dollar + 1] == UInt8(ascii: "{")
    let start = dollar + (braced ? 2 : 1)
    var end = start
    while end < bytes.count, isIdentifier(bytes[end], first: end == start) { end += 1 }
    guard end > start else { return nil }
    let name = String(decoding: bytes[start..<end], as: UTF8.self)
    guard braced else { return (name, end) }
    return end < bytes.count && bytes[end] == UInt8(ascii: "}") ? (name, end + 1) : nil
  }

  private static func isIdentifier(_ byte: UInt8, first: Bool) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."): !first
    default: false
    }
  }
}
