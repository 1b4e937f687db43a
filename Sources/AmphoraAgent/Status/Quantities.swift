// Numbers as people read them: three digits and a unit.

import Glibc

enum Quantity {
  /// `12s`, `5m12s`, `3h05m`, `12d4h`.
  static func age(_ seconds: Double) -> String {
    let seconds = Int(clamping: Int64(max(0, min(seconds, 1e12))))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    switch seconds {
    case ..<60: return "\(seconds)s"
    case ..<3600: return "\(seconds / 60)m\(two(seconds % 60))s"
    case ..<86_400: return "\(seconds / 3600)h\(two(seconds % 3600 / 60))m"
    default: return "\(seconds / 86_400)d\(seconds % 86_400 / 3600)h"
    }
  }

  /// `812 B`, `1.4 kB`, `14 MB`: powers of 1000.
  static func bytes(_ number: Double) -> String { scaled(number, ["B", "kB", "MB", "GB", "TB", "PB"], gap: " ") }

  /// `9999`, `12k`, `1.4M`.
  static func count(_ number: Int) -> String {
    number < 10_000 ? "\(number)" : scaled(Double(number), ["", "k", "M", "G", "T", "P"], gap: "")
  }

  private static func scaled(_ number: Double, _ units: [String], gap: String) -> String {
    var number = max(0, number)
    var unit = 0
    // 999.5 would be printed as 1000.
    while number >= 999.5, unit < units.count - 1 {
      number /= 1000
      unit += 1
    }
    let tenths = Int((number * 10).rounded())
    let digits = unit > 0 && tenths < 100 ? "\(tenths / 10).\(tenths % 10)" : "\(Int(number.rounded()))"
    return digits + gap + units[unit]
  }

  /// `3 ms`, `1.4 s`.
  static func milliseconds(_ number: Double) -> String {
    if number < 1000 { return "\(Int(number.rounded())) ms" }
    let tenths = Int((min(number, 1e12) / 100).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }

  /// `2026-11-21`, UTC.
  static func day(_ seconds: Double) -> String { String(time(seconds).prefix(10)) }

  /// `2026-11-21 03:04:05`, UTC.
  static func time(_ seconds: Double) -> String {
    var time = time_t(max(0, min(seconds, 2.5e11)))
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S", &parts)
    return String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// `1 member`, `2 members`.
  static func of(_ number: Int, _ name: String) -> String { "\(number) \(name)\(number == 1 ? "" : "s")" }
}
