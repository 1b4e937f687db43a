// Columns that share the width of a terminal.

/// Rows below headings.
struct TextTable: Sendable {
  struct Column: Sendable {
    var heading: String
    var alignsRight = false
    /// How narrow it may become when the width does not suffice; nil for not at all.
    var least: Int?
    /// Left out when the width does not suffice, the one with the highest number first; nil for never.
    var rank: Int?

    static func left(_ heading: String, least: Int? = nil, rank: Int? = nil) -> Column {
      Column(heading: heading, least: least, rank: rank)
    }

    static func right(_ heading: String, rank: Int? = nil) -> Column {
      Column(heading: heading, alignsRight: true, rank: rank)
    }
  }

  private struct Row: Sendable {
    var cells: [Span]
    /// Below the row, behind the first column.
    var notes: [Span]
  }

  private static let gap = 2
  private let columns: [Column]
  private let indent: Int
  private var rows: [Row] = []

  init(_ columns: [Column], indent: Int = 2) {
    self.columns = columns
    self.indent = indent
  }

  /// Adds a row with a cell for each column.
  mutating func add(_ cells: [Span], notes: [Span] = []) { rows.append(Row(cells: cells, notes: notes)) }

  /// The lines; none without rows.
  func lines(width: Int) -> [[Span]] {
    if rows.isEmpty { return [] }
    let shown = shown(within: width)
    let widths = widths(of: shown, within: width)
    var lines = [line(columns.map { Span($0.heading, .dim) }, shown, widths)]
    for row in rows {
      lines.append(line(row.cells, shown, widths))
      let start = indent + widths[0] + Self.gap
      lines += row.notes.map { [Span(String(repeating: " ", count: start)), $0.shortened(to: width - start)] }
    }
    return lines
  }

  private func line(_ cells: [Span], _ shown: [Int], _ widths: [Int]) -> [Span] {
    var line = [Span(String(repeating: " ", count: indent))]
    for (column, width) in zip(shown, widths) where cells.indices.contains(column) {
      if line.count > 1 { line.append(Span(String(repeating: " ", count: Self.gap))) }
      line.append(cells[column].shortened(to: width).padded(to: width, alignsRight: columns[column].alignsRight))
    }
    return line
  }

  /// What a column needs.
  private func need(_ column: Int) -> Int {
    rows.reduce(columns[column].heading.count) { need, row in
      row.cells.indices.contains(column) ? max(need, row.cells[column].text.count) : need
    }
  }

  private func total(_ widths: [Int]) -> Int { indent + widths.reduce(0, +) + Self.gap * (widths.count - 1) }

  /// The columns without those that can be done without, as far as the width asks for it.
  private func shown(within width: Int) -> [Int] {
    var shown = Array(columns.indices)
    // Those that may be narrower are counted as they then are.
    func least() -> Int { total(shown.map { min(need($0), columns[$0].least ?? .max) }) }
    while least() > width, let last = shown.max(by: { columns[$0].rank ?? -1 < columns[$1].rank ?? -1 }),
      columns[last].rank != nil
    {
      shown.removeAll { $0 == last }
    }
    return shown
  }

  /// What each column needs, with those that may be narrower giving room, the widest first.
  private func widths(of shown: [Int], within width: Int) -> [Int] {
    var widths = shown.map(need)
    var excess = total(widths) - width
    while excess > 0 {
      let candidates = widths.indices.filter { widths[$0] > columns[shown[$0]].least ?? .max }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }
}
