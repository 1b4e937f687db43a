// Times as operators write them.

/// A number of seconds, minutes, hours or days: `90s`, `10m`, `2h`, `1d`.
package struct TimeSpan: Hashable, Sendable, CustomStringConvertible {
  package let seconds: Int

  package init(seconds: Int) { self.seconds = seconds }

  /// Reads a number with its unit.
  package init?(_ text: String) {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int(text.dropLast()), number > 0,
      text.first?.isNumber == true, number <= Int.max / unit
    else { return nil }
    seconds = number * unit
  }

  /// `45 s`, `9 min 58 s` or `1 h 30 min`.
  package var description: String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60)
    if hours > 0 { return minutes > 0 ? "\(hours) h \(minutes) min" : "\(hours) h" }
    if minutes > 0 { return rest > 0 ? "\(minutes) min \(rest) s" : "\(minutes) min" }
    return "\(rest) s"
  }
}
