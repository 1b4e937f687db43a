// Numbers and times as people read them; JSON always carries the plain number.

import FoundationEssentials

enum Quantity {
  /// `1.2 k`, `34.5 M`: powers of 1000.
  static func metric(_ value: Double) -> String {
    var (value, prefix) = (value, "")
    for next in ["k", "M", "G", "T"] where abs(value) >= 1000 { (value, prefix) = (value / 1000, next) }
    return prefix.isEmpty ? "\(Int(value.rounded()))" : "\(tenths(value)) \(prefix)"
  }

  /// `12 s`, `3 min`, `5 h`, `16 days`; negative values stand as they are.
  static func age(seconds: Int64) -> String {
    switch abs(seconds) {
    case 0..<120: "\(seconds) s"
    case 120..<7200: "\(seconds / 60) min"
    case 7200..<172_800: "\(seconds / 3600) h"
    default: "\(seconds / 86400) days"
    }
  }

  /// `2026-11-21 08:25:03 UTC`.
  static func date(unixTime: Int64) -> String {
    let style = Date.ISO8601FormatStyle(dateTimeSeparator: .space)
    return String(Date(timeIntervalSince1970: Double(unixTime)).formatted(style).dropLast()) + " UTC"
  }

  /// `2026-11-21T08:25:03Z`, for JSON.
  static func iso8601(unixTime: Int64) -> String {
    Date(timeIntervalSince1970: Double(unixTime)).formatted(Date.ISO8601FormatStyle())
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(abs(tenths % 10))"
  }
}
