// Numbers and times as the doctor and the explanations write them.

/// Quantities for people.
enum BalancerText {
  /// `50,000`.
  static func number(_ value: Int) -> String {
    var text = ""
    for (index, digit) in String(value.magnitude).reversed().enumerated() {
      if index > 0 && index % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (value < 0 ? "-" : "") + String(text.reversed())
  }

  /// `12 s`, `3 min`, `5 h`, `8 days`.
  static func age(seconds: Int) -> String {
    switch seconds {
    case ..<120: "\(seconds) s"
    case ..<7200: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3600) h"
    default: "\(seconds / 86_400) days"
    }
  }

  /// `512 MiB`, `1.7 GiB`.
  static func bytes(_ value: Int) -> String {
    let mebibytes = value >> 20
    return mebibytes < 1024 ? "\(mebibytes) MiB" : "\(mebibytes / 1024).\(mebibytes % 1024 * 10 / 1024) GiB"
  }

  /// The first few of many, and how many more there are.
  static func list(_ texts: [String], limit: Int = 4, separator: String = "; ") -> String {
    let more = texts.count - limit
    return texts.prefix(limit).joined(separator: separator) + (more > 0 ? "\(separator)and \(more) more" : "")
  }

  /// A program's words in one line.
  static func line(_ text: String) -> String {
    text.split(whereSeparator: { $0.isNewline || $0 == "\t" }).map { String($0.filter { $0.isASCII || $0.isLetter }) }
      .joined(separator: " ")
  }
}
