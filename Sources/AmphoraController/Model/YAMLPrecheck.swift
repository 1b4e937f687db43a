// What must be known before a YAML text is parsed. Yams hashes keys to find duplicates, and a key that is an alias of lists of
// aliases takes hours to hash: a text of ten lines would be enough ("billion laughs" as a key). Nothing of our documents
// has a key other than a word, so such keys are refused where they could be dangerous: in texts with anchors.

/// A look at a YAML text without understanding it.
struct YAMLPrecheck {
  private let text: String

  init(_ text: String) { self.text = text }

  /// Refuses lists, objects and aliases as keys in a text that has anchors.
  ///
  /// Quoted text is not told from other text, so a few harmless ones are refused too, such as `"]: "` in a string. A key
  /// stands on one line (YAML 1.2 §7.4.2, §8.2.2), or behind a `?`.
  func check() throws {
    var hasAnchor = false
    var suspect: Int?
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      if line.utf8.contains(UInt8(ascii: "&")) { hasAnchor = true }
      if suspect == nil, Self.mayHaveOddKey(line) { suspect = index + 1 }
    }
    guard hasAnchor, let suspect else { return }
    var error = DocumentError("", "has anchors and seems to have a list, an object or an alias as a key")
    error.line = suspect
    throw error
  }

  private static func mayHaveOddKey(_ line: Substring) -> Bool {
    var previous: UInt8 = 0x20
    // The last thing that was not blank ended a list or object, or belongs to an alias.
    var endsSuspect = false
    for byte in line.utf8 {
      let isBlank = byte == 0x20 || byte == 0x09
      let startsToken = isSeparator(previous)
      switch byte {
      case UInt8(ascii: ":") where endsSuspect: return true
      case UInt8(ascii: "?") where startsToken: return true
      case UInt8(ascii: "]"), UInt8(ascii: "}"): endsSuspect = true
      case UInt8(ascii: "*") where startsToken: endsSuspect = true
      case _ where isBlank: break
      // The rest of an alias's name; anything else behind a blank begins something new.
      case _ where endsSuspect && !startsToken && previous != UInt8(ascii: "]") && previous != UInt8(ascii: "}"): break
      default: endsSuspect = false
      }
      previous = byte
    }
    return false
  }

  private static func isSeparator(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x09, UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ","), UInt8(ascii: "?"),
      UInt8(ascii: ":"):
      true
    default: false
    }
  }
}
