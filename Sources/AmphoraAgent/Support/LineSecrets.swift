// Secrets that are known by the word before them: `password`, `Authorization:`, `Cookie:`, `auth_pass`, `stats auth`, the
// user's part of a URL.

/// One line, from which secrets are taken by their names.
struct LineSecrets {
  private let line: [UInt8]
  private var removals: [Range<Int>] = []

  init(_ line: [UInt8]) { self.line = line }

  /// The line without secrets.
  func removed() -> [UInt8] {
    var work = self
    work.findNamed()
    work.findUserInformation()
    work.findHashes()
    guard !work.removals.isEmpty else { return line }
    var output: [UInt8] = []
    var position = 0
    for range in work.removals.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.upperBound > position {
      let start = max(position, range.lowerBound)
      guard start < range.upperBound else { continue }
      // What is removed already stays as it reads.
      if line[start..<range.upperBound].elementsEqual(Redaction.markBytes) { continue }
      output += line[position..<start] + Redaction.markBytes
      position = range.upperBound
    }
    return output + line[position...]
  }

  private mutating func findNamed() {
    var position = 0
    var before = ""
    var isFirst = true
    while position < line.count {
      guard Self.isWordByte(line[position]) else {
        position += 1
        continue
      }
      let end = skip(position, while: Self.isWordByte)
      defer {
        position = end
        isFirst = false
      }
      let separator = separator(after: end)
      // Most words of a log are followed by a blank alone: they are not looked at without need.
      let isCandidate = separator.isAssignment || separator.value > end && SecretNames.mayLead(line[position])
      guard isCandidate, end - position <= 80 else {
        before = ""
        continue
      }
      let word = String(decoding: line[position..<end], as: UTF8.self).lowercased()
      if let range = secret(word, from: position, separator, isFirst: isFirst, before: before) {
        removals.append(range)
      }
      before = word
    }
  }

  /// What a word gives away about the text behind it.
  private func secret(
    _ word: String, from start: Int, _ separator: (isAssignment: Bool, value: Int), isFirst: Bool, before: String
  ) -> Range<Int>? {
    let value = separator.value
    guard value < line.count, !isPlaceholder(at: value) else { return nil }
    if separator.isAssignment, SecretNames.isSecret(word) {
      return valueRange(value, quotedSince: start, isLong: isFirst || SecretNames.takesWholeLine(word))
    }
    if !separator.isAssignment {
      if SecretNames.isFollowedBySecret(word) { return valueRange(value, quotedSince: start, isLong: isFirst) }
      if word == "auth", before == "stats" { return value..<line.count }
    }
    if word == "bearer" { return value..<skip(value) { Self.isToken($0) } }
    if word == "basic" || word == "negotiate" {
      let end = skip(value) { Self.isToken($0) }
      let decoded = Base64Run.decoded(line[value..<end])
      return word == "negotiate" || decoded.contains(UInt8(ascii: ":")) ? value..<end : nil
    }
    return nil
  }

  /// Behind a word: quotes, blanks, and `:` or `=`.
  private func separator(after end: Int) -> (isAssignment: Bool, value: Int) {
    func isQuote(_ byte: UInt8) -> Bool { [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\")].contains(byte) }
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    let sign = skip(skip(end, while: isQuote), while: isBlank)
    guard sign < line.count, line[sign] == UInt8(ascii: ":") || line[sign] == UInt8(ascii: "=") else {
      // haproxy's configuration writes a blank inside of a word as `\ `.
      return (false, skip(end) { isBlank($0) || $0 == UInt8(ascii: "\\") })
    }
    let isSign: (UInt8) -> Bool = {
      isBlank($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ">")
    }
    return (true, skip(sign, while: isSign))
  }

  /// The extent of a value: to the closing quote, to the end of the line, or to the end of the word.
  private func valueRange(_ start: Int, quotedSince name: Int, isLong: Bool) -> Range<Int> {
    func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }
    let opening = skip(start) { $0 == UInt8(ascii: "\\") }
    if opening < line.count, isQuote(line[opening]) {
      return opening + 1..<closing(line[opening], from: opening + 1, isEscaped: opening > start)
    }
    // "NAME=a value": the quote is around both.
    if name > 0, isQuote(line[name - 1]) { return start..<closing(line[name - 1], from: start, isEscaped: false) }
    if isLong { return start..<line.count }
    let end = skip(start) { Self.isToken($0) }
    return start..<max(end, min(start + 1, line.count))
  }

  private func closing(_ quote: UInt8, from start: Int, isEscaped: Bool) -> Int {
    var position = start
    while position < line.count {
      if line[position] == UInt8(ascii: "\\") {
        if isEscaped, position + 1 < line.count, line[position + 1] == quote { return position }
        position += 2
        continue
      }
      if line[position] == quote { return position }
      position += 1
    }
    return line.count
  }

  /// `scheme://user:password@host`.
  private mutating func findUserInformation() {
    var position = 0
    while let found = line[position...].firstPlace(of: Array("://".utf8)) {
      let end = skip(found.upperBound) { Self.isToken($0) && $0 != UInt8(ascii: "/") }
      position = end
      guard let at = line[found.upperBound..<end].lastIndex(of: UInt8(ascii: "@")),
        let colon = line[found.upperBound..<at].firstIndex(of: UInt8(ascii: ":"))
      else { continue }
      removals.append(colon + 1..<at)
    }
  }

  /// Hashes of passwords as crypt(5) writes them.
  private mutating func findHashes() {
    var position = 0
    while let start = line[position...].firstIndex(of: UInt8(ascii: "$")) {
      let rest = line[start...]
      let isHash = ["$1$", "$5$", "$6$", "$y$", "$7$", "$2a$", "$2b$", "$2y$"].contains { rest.starts(with: $0.utf8) }
      position = isHash ? skip(start) { Self.isToken($0) && $0 != UInt8(ascii: ":") } : start + 1
      if isHash { removals.append(start..<position) }
    }
  }

  /// Whether there is nothing to hide: what this program itself writes in a secret's place.
  private func isPlaceholder(at start: Int) -> Bool {
    ["(set)", "(not set)", Redaction.mark, Secret.mask, "<heartbeat key>"].contains {
      line[start...].starts(with: $0.utf8)
    }
  }

  private func skip(_ start: Int, while isPart: (UInt8) -> Bool) -> Int {
    line[min(start, line.count)...].firstIndex { !isPart($0) } ?? line.count
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// Part of a value without quotes, in the middle of a line.
  private static func isToken(_ byte: UInt8) -> Bool { byte > 0x20 && !"\"'&,;)}]|<>".utf8.contains(byte) }
}

/// Names of things that are secret.
enum SecretNames {
  private static let parts = [
    "password", "passwd", "passphrase", "secret", "token", "auth_pass", "heartbeat_key", "private_key", "privatekey",
    "api_key", "api-key", "apikey", "access_key", "accesskey", "encryption_key", "hmac_key", "credential", "cookie",
    "authorization", "authentication-info", "sessionid", "session_id", "session-id", "sessid", "jwt", "csrf",
  ].map { Array($0.utf8) }
  private static let whole: Set<String> = [
    "pass", "pwd", "pw", "psk", "wpa-psk", "sid", "connect.sid", "session", "auth",
  ]

  /// Whether what is assigned to the name is a secret; the name in lower case.
  static func isSecret(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    return whole.contains(name) || parts.contains { bytes.firstPlace(of: $0) != nil }
  }

  /// Whether the value goes on behind blanks: `Cookie: a=1; b=2`.
  static func takesWholeLine(_ name: String) -> Bool { name.contains("cookie") || name.contains("authorization") }

  /// Whether a secret follows without `:` or `=`, as in keepalived's and haproxy's configurations.
  static func isFollowedBySecret(_ name: String) -> Bool {
    leading.contains(name)
  }

  private static let leading: Set<String> = [
    "auth_pass", "password", "insecure-password", "passwd", "passphrase", "x-api-key", "x-auth-token",
  ]
  private static let leadingLetters = Set("apixbnsAPIXBNS".utf8)

  /// Whether a word that begins so may be one behind which a secret follows without `:` or `=`, or `stats` before `auth`.
  static func mayLead(_ first: UInt8) -> Bool { leadingLetters.contains(first) }
}

extension Redaction {
  /// Whether an option of this name holds a secret.
  package static func isSecretName(_ name: String) -> Bool { SecretNames.isSecret(name.lowercased()) }
}
