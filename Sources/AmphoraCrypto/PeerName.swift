// The name by which haproxy instances of a pair know each other; both sides derive it from the amphora id.

/// The local peer name (`haproxy -L`) of an amphora: contract services §2.2, config-rendering §3.3.
public enum PeerName {
  /// SHA-1 of the id's text in base64 with `_` for `+` and `-` for `/` (the reverse of the usual URL-safe alphabet), a
  /// leading `-` replaced by `x`, padding removed: 27 characters.
  public static func of(amphoraID: String) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".utf8)
    var bits: UInt32 = 0
    var count: UInt32 = 0
    var text: [UInt8] = []
    for byte in Digest.sha1(amphoraID.utf8) {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(alphabet[Int(bits >> count & 63)])
      }
    }
    if count > 0 { text.append(alphabet[Int(bits << (6 - count) & 63)]) }
    if text.first == UInt8(ascii: "-") { text[0] = UInt8(ascii: "x") }
    return String(decoding: text, as: UTF8.self)
  }
}
