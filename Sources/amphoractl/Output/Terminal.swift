// What a terminal needs: colours where they are wanted, and text that cannot play tricks on it.

import ArgumentParser
import Glibc

/// When to use colours.
enum ColorChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
  case auto, always, never

  func isOn(descriptor: Int32) -> Bool {
    switch self {
    case .always: true
    case .never: false
    case .auto: Terminal.isTerminal(descriptor) && Terminal.allowsColor
    }
  }
}

enum Terminal {
  static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// Not with NO_COLOR (no-color.org: present and not empty) or a terminal that says it is dumb.
  static var allowsColor: Bool {
    (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true) && getenv("TERM").map { strcmp($0, "dumb") != 0 } ?? false
  }

  /// The terminal's size in characters; 80 × 24 where it does not say.
  static func size(_ descriptor: Int32 = 1) -> (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Text from outside for people's eyes: control characters, which could move the cursor or hide text, are spelled out.
  static func safe(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { isControl($0) && $0 != "\n" && $0 != "\t" }) else { return text }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      if isControl(scalar) && scalar != "\n" && scalar != "\t" {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }

  /// The same JSON value, with the control characters that JSON lets stand in strings escaped.
  static func safeJSON(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value >= 0x7F && isControl($0) }) else { return text }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
      if scalar.value >= 0x7F && isControl(scalar) {
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }

  /// C0, DEL, C1, and the marks that change the direction of text.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

/// Colours by meaning; nothing when they are off.
struct TextStyle: Sendable {
  let isOn: Bool

  func good(_ text: String) -> String { wrap(text, "32") }
  func bad(_ text: String) -> String { wrap(text, "31") }
  func warning(_ text: String) -> String { wrap(text, "33") }
  func bold(_ text: String) -> String { wrap(text, "1") }
  func dim(_ text: String) -> String { wrap(text, "2") }

  private func wrap(_ text: String, _ code: String) -> String { isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
