// The letters and digits that grammars of file names, ids and paths are made of.

extension UInt8 {
  /// Whether it is one of `0`…`9`, `a`…`z`, `A`…`Z` in ASCII.
  package var isASCIIAlphanumeric: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }
}
