// A tar archive in memory (POSIX.1-2017 pax, "ustar Interchange Format").
//
// By hand and not by tar(1), because what goes in is in memory, already without secrets, and must not touch a disk in parts.
// Names of up to 255 bytes are all that a support bundle has, so that no extended headers are needed.

/// Files, one behind the other.
struct TarArchive {
  private static let block = 512

  private var content: [UInt8] = []
  /// When the files were made: seconds since 1970.
  private let time: Int

  init(time: Int) { self.time = time }

  /// Bytes so far.
  var count: Int { content.count }

  /// Adds a file that only its owner may read; false when the name is too long for the format.
  @discardableResult
  mutating func append(_ bytes: [UInt8], named name: String) -> Bool {
    guard let (prefix, suffix) = Self.split(name) else { return false }
    var header = [UInt8](repeating: 0, count: Self.block)
    func put(_ text: String, at offset: Int) {
      header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
    }
    put(suffix, at: 0)
    put(Self.octal(0o600, digits: 7), at: 100)
    // Owner and group: root.
    put(Self.octal(0, digits: 7), at: 108)
    put(Self.octal(0, digits: 7), at: 116)
    put(Self.octal(bytes.count, digits: 11), at: 124)
    put(Self.octal(time, digits: 11), at: 136)
    // The sum is taken with blanks in its own place.
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    put("root", at: 265)
    put("root", at: 297)
    put(prefix, at: 345)
    let sum = header.reduce(0) { $0 + Int($1) }
    put(Self.octal(sum, digits: 6) + "\0 ", at: 148)
    content += header
    content += bytes
    content += [UInt8](repeating: 0, count: -bytes.count & (Self.block - 1))
    return true
  }

  /// The archive, with the two empty blocks at its end.
  func finished() -> [UInt8] { content + [UInt8](repeating: 0, count: 2 * Self.block) }

  /// A name as the header has it: up to 155 bytes, a slash that is not stored, up to 100 bytes.
  private static func split(_ name: String) -> (prefix: String, suffix: String)? {
    if name.utf8.count <= 100 { return ("", name) }
    for slash in name.utf8.indices where name.utf8[slash] == UInt8(ascii: "/") {
      let (prefix, suffix) = (name[..<slash], name[name.utf8.index(after: slash)...])
      if prefix.utf8.count <= 155, suffix.utf8.count <= 100 { return (String(prefix), String(suffix)) }
    }
    return nil
  }

  private static func octal(_ value: Int, digits: Int) -> String {
    let text = String(value, radix: 8)
    return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
  }
}
