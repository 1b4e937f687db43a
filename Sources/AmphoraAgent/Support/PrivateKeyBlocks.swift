// Private keys between BEGIN and END (RFC 7468), in files, in the lines of a journal with something before each, on one line
// with escaped newlines, and cut at either end because the text was too long.

/// Finds and removes blocks of private keys of every type.
enum PrivateKeyBlocks {
  private static let label = Array("PRIVATE KEY".utf8)
  private static let begin = Array("BEGIN ".utf8)
  private static let end = Array("END ".utf8)
  private static let newline = UInt8(ascii: "\n")
  /// The longest block: an RSA key of 16,384 bits has 13 kB, with a prefix of 100 bytes before each line 33 kB.
  private static let longest = 65_536

  /// The text with each block's contents removed; the lines that name it stay.
  static func removed(from bytes: [UInt8]) -> [UInt8] {
    guard bytes.firstPlace(of: label) != nil else { return bytes }
    var output: [UInt8] = []
    var position = 0
    while let found = bytes[position...].firstPlace(of: label) {
      if isMarker(begin, before: found.lowerBound, in: bytes) {
        output += bytes[position..<found.upperBound] + Redaction.markBytes
        position = blockEnd(bytes, from: found.upperBound)
      } else if isMarker(end, before: found.lowerBound, in: bytes) {
        // Its beginning was cut off.
        output += bytes[position..<found.lowerBound]
        removeKeyLines(atEndOf: &output)
        output += Redaction.markBytes + label
        position = found.upperBound
      } else {
        output += bytes[position..<found.upperBound]
        position = found.upperBound
      }
    }
    return output + bytes[position...]
  }

  /// Whether a line ends in a word such as the lines of a key have.
  static func endsInBase64(_ line: ArraySlice<UInt8>) -> Bool {
    let isPadded = line.suffix(3).contains(UInt8(ascii: "="))
    let trimmed = line.reversed().drop {
      $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: " ")
    }
    // The last line may be short.
    let digits = trimmed.prefix(while: Base64Run.isDigit).count
    return digits >= 16 || digits > 0 && (isPadded || digits == trimmed.count)
  }

  /// Whether `BEGIN ` or `END ` with a type of key stands right before.
  private static func isMarker(_ word: [UInt8], before position: Int, in bytes: [UInt8]) -> Bool {
    let start = max(0, position - 32)
    guard let found = bytes[start..<position].lastPlace(of: word) else { return false }
    return !bytes[found.upperBound..<position].contains { $0 == newline || $0 == UInt8(ascii: "-") }
  }

  /// Behind the contents: where the END line's dashes begin, or where nothing looks like a key any more.
  private static func blockEnd(_ bytes: [UInt8], from start: Int) -> Int {
    let window = bytes[start..<min(bytes.count, start + longest)]
    if let next = window.firstPlace(of: label), isMarker(end, before: next.lowerBound, in: bytes) {
      return next.upperBound
    }
    // No END: the headers of an encrypted key and an empty line may follow, then all that looks like one.
    var position = start
    var lines = 0
    while position < bytes.count {
      let lineEnd = bytes[position...].firstIndex(of: newline) ?? bytes.count
      guard lines < 4 || endsInBase64(bytes[position..<lineEnd]) else { break }
      lines += 1
      position = min(bytes.count, lineEnd + 1)
    }
    return position
  }

  /// Removes the unfinished line at the end, and lines before it that look like those of a key.
  private static func removeKeyLines(atEndOf output: inout [UInt8]) {
    // The END line, and a last line of the key that may be too short to look like one.
    var certain = 2
    while !output.isEmpty {
      let start = output.lastIndex(of: newline).map { $0 + 1 } ?? 0
      guard certain > 0 || endsInBase64(output[start...]) else { break }
      certain -= 1
      output.removeSubrange(start...)
      guard output.popLast() != nil else { break }
    }
    if !output.isEmpty { output.append(newline) }
  }
}

extension Collection<UInt8> where Index == Int {
  /// Where a sequence of bytes stands first.
  func firstPlace(of needle: [UInt8]) -> Range<Int>? {
    guard let first = needle.first, count >= needle.count else { return nil }
    let found = withContiguousStorageIfAvailable { bytes -> Int? in
      var position = 0
      while position <= bytes.count - needle.count {
        if bytes[position] == first, bytes[position..<position + needle.count].elementsEqual(needle) { return position }
        position += 1
      }
      return nil
    }
    return (found ?? nil).map { startIndex + $0..<startIndex + $0 + needle.count }
  }

  /// Where a sequence of bytes stands last.
  func lastPlace(of needle: [UInt8]) -> Range<Int>? {
    guard count >= needle.count else { return nil }
    for start in stride(from: endIndex - needle.count, through: startIndex, by: -1)
    where self[start..<start + needle.count].elementsEqual(needle) {
      return start..<start + needle.count
    }
    return nil
  }
}
