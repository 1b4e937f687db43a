// The answer of `show stat`: CSV of some hundred columns and, on a large load balancer, thousands of rows. The table keeps
// the bytes and where each cell starts; text is made only of cells that somebody asks for.

/// haproxy's statistics by row and column name, without the rows of its internal exporter (contract services §4.3).
package struct StatsTable: Sendable {
  /// The place of a column; names are looked up once, not per row.
  package struct Column: Hashable, Sendable {
    fileprivate let index: Int
  }

  private let bytes: [UInt8]
  private let columns: [String: Int]
  /// Cells per row, named ones only.
  private let width: Int
  /// Per row: the start of each cell and, as last entry, one byte past the last cell's separator.
  private let starts: [UInt32]

  /// Reads an answer; nil when it has no header line with `pxname` and `svname`.
  ///
  /// Rows with too few or too many cells are left out: their cells cannot be told apart.
  package init?(csv: [UInt8]) {
    // Offsets are 32 bits wide; a longer answer is refused by the socket long before.
    guard csv.count < Int(UInt32.max), csv.starts(with: "# ".utf8) else { return nil }
    let end = csv.firstIndex(of: UInt8(ascii: "\n")) ?? csv.count
    var names = csv[2..<end].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      .map { String(decoding: $0.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self) }
    // Every line ends with a comma, behind which one unnamed column remains.
    if names.last?.isEmpty == true { names.removeLast() }
    var columns: [String: Int] = [:]
    for (index, name) in names.enumerated() where columns[name] == nil { columns[name] = index }
    guard let pxname = columns["pxname"], columns["svname"] != nil else { return nil }
    bytes = csv
    self.columns = columns
    width = names.count
    var scanner = StatsScanner(width: names.count)
    scanner.scan(csv, from: end + 1)
    let stride = names.count + 1
    starts = Self.withoutExporter(scanner.starts, stride: stride) { row in
      csv[Int(scanner.starts[row + pxname])..<Int(scanner.starts[row + pxname + 1])]
    }
  }

  private static func withoutExporter(
    _ starts: [UInt32], stride: Int, name: (Int) -> ArraySlice<UInt8>
  ) -> [UInt32] {
    var kept: [UInt32] = []
    kept.reserveCapacity(starts.count)
    for row in Swift.stride(from: 0, to: starts.count, by: stride)
    where !contains(name(row), "prometheus") { kept += starts[row..<row + stride] }
    return kept
  }

  private static func contains(_ bytes: ArraySlice<UInt8>, _ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return text.withUTF8Buffer { text in
      bytes.indices.dropLast(length - 1).contains { bytes[$0..<$0 + length].elementsEqual(text) }
    }
  }

  /// The column of a name; nil when this haproxy's answer lacks it.
  package func column(_ name: String) -> Column? { columns[name].map(Column.init) }

  /// The number of rows.
  package var count: Int { starts.count / (width + 1) }

  /// The rows in haproxy's order.
  package var rows: some RandomAccessCollection<Row> {
    (0..<count).lazy.map { Row(table: self, base: $0 * (width + 1)) }
  }

  /// One listener, pool or member.
  package struct Row {
    fileprivate let table: StatsTable
    fileprivate let base: Int

    /// The bytes of a cell as they stand, quotes included.
    package func bytes(_ column: Column) -> ArraySlice<UInt8> {
      // The next cell starts behind this one's separator.
      table.bytes[Int(table.starts[base + column.index])..<Int(table.starts[base + column.index + 1]) - 1]
    }

    /// The text of a cell, unquoted; nil when the column is missing.
    package func text(_ column: Column?) -> String? {
      guard let column else { return nil }
      return String(decoding: StatsScanner.unquoted(bytes(column)), as: UTF8.self)
    }

    /// Whether a cell has exactly this text.
    package func matches(_ column: Column, _ text: StaticString) -> Bool {
      text.withUTF8Buffer { bytes(column).elementsEqual($0) }
    }

    /// A cell as a non-negative number; nil when it is empty or none.
    ///
    /// Larger numbers become `Int.max`.
    package func number(_ column: Column?) -> Int? {
      guard let column else { return nil }
      let digits = bytes(column)
      guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
      var value = 0
      for digit in digits {
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(Int(digit - 48))
        guard !overflow, !carry else { return Int.max }
        value = sum
      }
      return value
    }
  }
}

/// Finds rows and cells; quoted cells may hold separators, line ends and doubled quotes.
private struct StatsScanner {
  private let width: Int
  private(set) var starts: [UInt32] = []

  init(width: Int) { self.width = width }

  mutating func scan(_ csv: [UInt8], from offset: Int) {
    starts.reserveCapacity((csv.count - min(offset, csv.count)) / 4)
    var position = offset
    var honoursQuotes = true
    while position < csv.count {
      let kept = starts.count
      let (end, cells, isClosed) = line(csv, from: position, honoursQuotes: honoursQuotes)
      // A quote that is never closed would swallow all rows behind it: from here on quotes count as text.
      guard isClosed else {
        starts.removeSubrange(kept...)
        honoursQuotes = false
        continue
      }
      // With the comma at the end of a line there is one cell more, which is empty.
      if cells != width && !(cells == width + 1 && starts[kept + width] == UInt32(end)) {
        starts.removeSubrange(kept...)
      } else if cells == width {
        starts.append(UInt32(end + 1))
      }
      position = end + 1
    }
  }

  /// Appends the starts of one line's cells and returns the index of the line's end.
  private mutating func line(
    _ csv: [UInt8], from start: Int, honoursQuotes: Bool
  ) -> (end: Int, cells: Int, isClosed: Bool) {
    starts.append(UInt32(start))
    var cells = 1
    var isQuoted = false
    for index in start..<csv.count {
      switch csv[index] {
      case UInt8(ascii: "\"") where honoursQuotes: isQuoted.toggle()
      case UInt8(ascii: ",") where !isQuoted:
        starts.append(UInt32(index + 1))
        cells += 1
      case UInt8(ascii: "\n") where !isQuoted: return (index, cells, true)
      default: break
      }
    }
    return (csv.count, cells, !isQuoted)
  }

  /// A cell without its quotes, doubled ones halved.
  static func unquoted(_ cell: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let quote = UInt8(ascii: "\"")
    guard cell.count >= 2, cell.first == quote, cell.last == quote else { return cell }
    var text: [UInt8] = []
    var isEscape = false
    for byte in cell.dropFirst().dropLast() {
      isEscape = byte == quote && !isEscape
      if !isEscape { text.append(byte) }
    }
    return text[...]
  }
}
