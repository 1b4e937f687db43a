// Columns for people: aligned by their longest cell, two blanks between, no lines.

/// A table that is printed at once.
struct Table: Sendable {
  /// A cell; its style does not count for its width.
  struct Cell: Sendable, ExpressibleByStringInterpolation {
    let text: String
    let style: (@Sendable (String) -> String)?

    init(_ text: String, style: (@Sendable (String) -> String)? = nil) {
      self.text = Terminal.safe(text)
      self.style = style
    }

    init(stringLiteral text: String) { self.init(text) }
  }

  private let header: [String]
  private let alignRight: Set<Int>
  private(set) var rows: [[Cell]] = []

  /// Makes a table.
  ///
  /// - Parameters:
  ///   - header: the columns' names.
  ///   - right: the numbers of the columns that are aligned at their right, numbers usually.
  init(_ header: [String], right: Set<Int> = []) {
    self.header = header
    alignRight = right
  }

  mutating func append(_ row: [Cell]) { rows.append(row) }

  /// The table's lines, the header first.
  func lines(style: TextStyle, maximumColumns: Int? = nil) -> [String] {
    let widths = header.indices.map { column in
      max(header[column].count, rows.map { $0[column].text.count }.max() ?? 0)
    }
    let head = header.enumerated().map { Cell($1, style: style.bold) }
    return ([head] + rows).map { row in line(row, widths, maximumColumns ?? .max) }
  }

  func text(style: TextStyle) -> String { lines(style: style).joined(separator: "\n") }

  private func line(_ row: [Cell], _ widths: [Int], _ maximum: Int) -> String {
    var (text, used) = ("", 0)
    for (column, cell) in row.enumerated() {
      let padding = String(repeating: " ", count: widths[column] - cell.text.count)
      let isLast = column == row.count - 1
      var plain = alignRight.contains(column) ? padding + cell.text : isLast ? cell.text : cell.text + padding
      if column > 0 { plain = "  " + plain }
      // What a terminal would wrap is cut: a live table counts its lines.
      if used + plain.count > maximum { plain = String(plain.prefix(max(0, maximum - used))) }
      used += plain.count
      text += cell.style?(plain) ?? plain
    }
    return text
  }
}
