// The text of a configuration file, line by line.

/// A configuration file in the making.
struct ConfigurationText {
  private(set) var text = ""

  /// Adds a line, indented by a number of spaces.
  mutating func line(_ line: String, indent: Int = 0) {
    text += String(repeating: " ", count: indent) + line + "\n"
  }

  /// Adds a line of a section: most lines in all three kinds of files are indented by four spaces.
  mutating func entry(_ line: String) { self.line(line, indent: 4) }

  /// Adds empty lines.
  mutating func blank(_ count: Int = 1) { text += String(repeating: "\n", count: count) }
}
