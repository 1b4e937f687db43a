// The table of figures.

import Files
import FoundationEssentials

/// One measured figure.
struct Figure: Encodable {
  var name: String
  var value: Double
  var unit: String
  /// The largest value allowed; the smallest, where ``isRate``.
  var budget: Double
  /// Upstream's agent on a machine of this kind, where it was measured.
  var upstream: Double?
  /// The lower quartile of a time; nil for what has no spread.
  var lowerQuartile: Double?
  /// Whether more is better.
  var isRate = false

  /// Other work on the machine only ever adds to a time, so a budget counts as missed when even the quicker quarter of the
  /// rounds misses it.
  var isKept: Bool { isRate ? value >= budget : (lowerQuartile ?? value) <= budget }
}

/// Figures in the order of measurement.
struct FigureTable {
  private var figures: [Figure] = []

  var missed: [Figure] { figures.filter { !$0.isKept } }

  mutating func add(_ name: String, _ value: Double, _ unit: String, budget: Double, upstream: Double? = nil) {
    figures.append(Figure(name: name, value: value, unit: unit, budget: budget, upstream: upstream))
  }

  /// Adds a figure of which more is better.
  mutating func add(_ name: String, rate: Double, _ unit: String, atLeast budget: Double, upstream: Double? = nil) {
    figures.append(Figure(name: name, value: rate, unit: unit, budget: budget, upstream: upstream, isRate: true))
  }

  /// Adds the median of times in milliseconds.
  mutating func add(_ name: String, times: [Double], budget: Double, upstream: Double? = nil) {
    let sorted = times.sorted()
    let quartile = sorted.isEmpty ? 0 : sorted[sorted.count / 4]
    figures.append(
      Figure(name: name, value: median(times), unit: "ms", budget: budget, upstream: upstream, lowerQuartile: quartile))
  }

  func print() {
    func column(_ text: String, _ width: Int, right: Bool = true) -> String {
      let blanks = String(repeating: " ", count: max(0, width - text.count))
      return right ? blanks + text : text + blanks
    }
    func number(_ value: Double, _ unit: String) -> String {
      let rounded =
        value >= 100 || value == value.rounded() ? "\(Int(value.rounded()))" : "\((value * 10).rounded() / 10)"
      return unit.isEmpty ? rounded : "\(rounded) \(unit)"
    }
    Swift.print(
      column("figure", 44, right: false) + column("here", 12) + column("budget", 12) + column("upstream", 12) + "  ")
    for figure in figures {
      Swift.print(
        column(figure.name, 44, right: false) + column(number(figure.value, figure.unit), 12)
          + column((figure.isRate ? "≥ " : "≤ ") + number(figure.budget, figure.unit), 12)
          + column(figure.upstream.map { number($0, figure.unit) } ?? "", 12) + (figure.isKept ? "  ok" : "  MISSED"))
    }
  }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try DurableFile.write(Array(try encoder.encode(figures)), to: path, mode: 0o644)
  }
}

/// The middle of the values; 0 without any.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

extension Duration {
  /// The duration in milliseconds.
  var milliseconds: Double {
    Double(components.seconds) * 1000 + Double(components.attoseconds) / 1_000_000_000_000_000
  }
}
