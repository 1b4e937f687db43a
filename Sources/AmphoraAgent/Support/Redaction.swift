// Takes secrets out of text that leaves the amphora. Where a secret cannot be told from something harmless for sure, it goes:
// a word too few in a support bundle costs nothing.

/// What is removed, and the removing: private keys in all their forms, passwords, tokens, cookies, and the secrets known
/// from the configuration wherever they stand.
///
/// Certificates stay: they are public. Works on bytes, because logs need not be text.
package struct Redaction: Sendable {
  /// What stands in a secret's place.
  package static let mark = "(removed)"

  static let markBytes = Array(mark.utf8)
  /// The shortest known secret that is searched for: shorter ones would take half of every log with them.
  private static let shortestKnown = 4

  /// The known secrets, the longest first: one may be part of another.
  let known: [[UInt8]]

  /// - Parameter secrets: texts that are removed wherever they occur, also where they are escaped for HTML or JSON or are
  ///   part of something in base64.
  package init(secrets: [String]) {
    var forms: Set<String> = []
    for secret in secrets {
      // A value over several lines is searched for line by line.
      for line in secret.split(whereSeparator: \.isNewline).map(String.init) {
        forms.formUnion([line, Self.escapedForHTML(line), Self.escapedForJSON(line)])
      }
    }
    known = forms.map { Array($0.utf8) }.filter { $0.count >= Self.shortestKnown }.sorted { $0.count > $1.count }
  }

  /// The text without secrets.
  package func redacted(_ text: String) -> String { String(decoding: redacted(Array(text.utf8)), as: UTF8.self) }

  /// The bytes without secrets.
  package func redacted(_ bytes: [UInt8]) -> [UInt8] {
    let withoutKeys = PrivateKeyBlocks.removed(from: bytes)
    var output: [UInt8] = []
    output.reserveCapacity(withoutKeys.count)
    var isInKey = false
    var isFirst = true
    for line in withoutKeys.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if !isFirst { output.append(UInt8(ascii: "\n")) }
      isFirst = false
      // The rest of a key that began without the line that says so.
      if isInKey, PrivateKeyBlocks.endsInBase64(line) { continue }
      isInKey = false
      output += redacted(line: line, isInKey: &isInKey)
    }
    return output
  }

  private func redacted(line: ArraySlice<UInt8>, isInKey: inout Bool) -> [UInt8] {
    guard line.count >= Self.shortestKnown else { return Array(line) }
    var line = removingKnown(Array(line))
    line = removingEncoded(line, isInKey: &isInKey)
    return LineSecrets(line).removed()
  }

  /// Removes the known secrets as they stand.
  private func removingKnown(_ line: [UInt8]) -> [UInt8] {
    var line = line
    for secret in known {
      while let range = line.firstPlace(of: secret) { line.replaceSubrange(range, with: Self.markBytes) }
    }
    return line
  }

  /// Removes long words in base64 behind which a private key or a known secret hides.
  private func removingEncoded(_ line: [UInt8], isInKey: inout Bool) -> [UInt8] {
    var output: [UInt8] = []
    var rest = line[...]
    while let start = rest.firstIndex(where: Base64Run.isDigit) {
      let end = rest[start...].firstIndex { !Base64Run.isDigit($0) } ?? rest.endIndex
      output += rest[..<start]
      let run = Base64Run(rest[start..<end])
      if run.isSecret(known) {
        isInKey = isInKey || run.isKeyBeginning
        output += Self.markBytes
      } else {
        output += rest[start..<end]
      }
      rest = rest[end...]
    }
    return output + rest
  }

  private static func escapedForHTML(_ text: String) -> String {
    // `&` first, for the others bring more of them.
    [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&#34;"), ("'", "&#39;")]
      .reduce(text) { $0.replacing($1.0, with: $1.1) }
  }

  private static func escapedForJSON(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
  }
}

/// A word in base64 (RFC 4648, both alphabets), without its padding.
struct Base64Run {
  /// Shorter ones hold no key; the DER of an Ed25519 key has 64 digits.
  private static let shortest = 40
  /// Shorter ones are not searched for texts: they may be half of the words of a log.
  private static let shortestText = 24
  private static let label = Array("PRIVATE KEY".utf8)

  private let digits: ArraySlice<UInt8>

  init(_ digits: ArraySlice<UInt8>) { self.digits = digits }

  static func isDigit(_ byte: UInt8) -> Bool { value(byte) != nil }

  private static func value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }

  /// Whether it holds a private key or one of the known secrets.
  func isSecret(_ known: [[UInt8]]) -> Bool {
    if isKeyBeginning { return true }
    // A token's beginning: of a JSON object in a web token, and of Fernet as OpenStack's Keystone issues it.
    if digits.count >= Self.shortest, digits.starts(with: "eyJ".utf8) || digits.starts(with: "gAAAAA".utf8) {
      return true
    }
    guard digits.count >= Self.shortestText else { return false }
    // A slash of the path or another word may stand right before it, so that each digit may be the first of a group.
    return (0..<4).contains { offset in
      let text = Self.decoded(digits.dropFirst(offset))
      return text.firstPlace(of: Self.label) != nil || known.contains { text.firstPlace(of: $0) != nil }
    }
  }

  /// Whether a key begins here in DER: a private key of PKCS#1, SEC 1 or PKCS#8, in the clear or encrypted, PKCS#12, or
  /// OpenSSH's form.
  var isKeyBeginning: Bool {
    guard digits.count >= Self.shortest else { return false }
    let bytes = Self.decoded(digits.prefix(40))
    if bytes.starts(with: "openssh-key-v1".utf8) { return true }
    guard bytes.count > 24, bytes[0] == 0x30 else { return false }
    let header = bytes[1] < 0x80 ? 2 : 2 + Int(bytes[1] & 0x7F)
    guard header <= 5 else { return false }
    let body = bytes[header...]
    // SEQUENCE { INTEGER version 0, 1 or 3, then INTEGER, SEQUENCE or OCTET STRING
    if body.starts(with: [2, 1]), [0, 1, 3].contains(body[header + 2]), [2, 4, 0x30].contains(body[header + 3]) {
      return true
    }
    // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER 1.2.840.113549.1.5 (PKCS#5) or .1.12 (PKCS#12)
    let inner = body.dropFirst(2)
    let prefix: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05]
    return body.first == 0x30 && (inner.starts(with: prefix) || inner.dropFirst(1).starts(with: prefix))
  }

  static func decoded(_ digits: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    for digit in digits {
      guard let value = value(digit) else { continue }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return bytes
  }
}
