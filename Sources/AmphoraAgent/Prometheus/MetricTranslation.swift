// From haproxy's names to tenants', line by line as the text arrives. Per member there are some hundred lines; a line is
// looked at once and copied once, and a metric's name is looked up only where it differs from the line before.

import Glibc

/// A stream of exposition text (Prometheus text format 0.0.4) on its way from haproxy to a tenant.
struct MetricTranslation: ~Copyable {
  /// What is ready for the tenant; the owner takes it away.
  private(set) var output: [UInt8] = []
  /// Called with each line that is not forwarded.
  private let onRejected: ((String) -> Void)?
  /// The beginning of a line whose end has not come yet.
  private var rest: [UInt8] = []
  /// Whether the line that has begun is past ``longestLine``; nothing of it is kept then.
  private var isTooLong = false
  private var current = Known()

  /// A metric of haproxy's and what becomes of it; the last one seen is kept.
  private struct Known {
    var name: [UInt8] = []
    var metric: Metric?
    var output: [UInt8] = []
  }

  /// Longer lines are not metrics; haproxy's have some hundred bytes.
  private static let longestLine = 64 << 10

  init(onRejected: ((String) -> Void)? = nil) { self.onRejected = onRejected }

  /// Empties ``output`` and keeps its room.
  mutating func discardOutput() { output.removeAll(keepingCapacity: true) }

  /// Takes the next part of the text, which may end anywhere.
  mutating func take(_ bytes: UnsafeRawBufferPointer) {
    var start = 0
    if !rest.isEmpty || isTooLong {
      guard let end = Self.find(UInt8(ascii: "\n"), in: bytes, from: 0) else { return keep(bytes[...]) }
      keep(bytes[..<end])
      endLine()
      start = end + 1
    }
    while let end = Self.find(UInt8(ascii: "\n"), in: bytes, from: start) {
      translate(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      start = end + 1
    }
    keep(bytes[start...])
  }

  /// Takes what is left when the text has ended without a line end.
  mutating func finish() { endLine() }

  private mutating func endLine() {
    if isTooLong { onRejected?("a line of more than \(Self.longestLine) bytes") }
    isTooLong = false
    let line = rest
    rest.removeAll(keepingCapacity: true)
    line.withUnsafeBytes { translate($0) }
  }

  private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) {
    guard !isTooLong, rest.count + bytes.count <= Self.longestLine else {
      rest.removeAll(keepingCapacity: true)
      isTooLong = true
      return
    }
    rest.append(contentsOf: bytes)
  }

  private mutating func translate(_ line: UnsafeRawBufferPointer) {
    if line.isEmpty { return }
    let length = output.count
    let isForwarded = line[0] == UInt8(ascii: "#") ? comment(line) : sample(line)
    if !isForwarded {
      output.removeSubrange(length...)
      onRejected?(String(decoding: line, as: UTF8.self))
    }
  }

  /// `# HELP NAME TEXT` and `# TYPE NAME TYPE`.
  private mutating func comment(_ line: UnsafeRawBufferPointer) -> Bool {
    guard line.count > 7, line[1] == UInt8(ascii: " "), line[6] == UInt8(ascii: " ") else { return false }
    let nameEnd = Self.find(UInt8(ascii: " "), in: line, from: 7) ?? line.count
    guard let metric = look(up: UnsafeRawBufferPointer(rebasing: line[7..<nameEnd])) else { return false }
    output.append(contentsOf: line[..<7])
    output.append(contentsOf: current.output)
    if line[2] == UInt8(ascii: "H"), let help = metric.help {
      output.append(UInt8(ascii: " "))
      output.append(contentsOf: help.utf8)
    } else {
      output.append(contentsOf: line[nameEnd...])
    }
    output.append(UInt8(ascii: "\n"))
    return true
  }

  /// `NAME{LABEL="VALUE",…} NUMBER [TIME]`, where the labels may be missing.
  private mutating func sample(_ line: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while position < line.count, line[position] != UInt8(ascii: "{"), line[position] != UInt8(ascii: " ") {
      position += 1
    }
    guard position < line.count, let metric = look(up: UnsafeRawBufferPointer(rebasing: line[..<position])) else {
      return false
    }
    output.append(contentsOf: current.output)
    if line[position] == UInt8(ascii: "{") {
      guard let end = labels(line, from: position, metric.subject) else { return false }
      position = end
    }
    output.append(contentsOf: line[position...])
    output.append(UInt8(ascii: "\n"))
    return true
  }

  /// Copies the labels up to the brace that ends them; returns its place, or nil when they are none or not for tenants.
  private mutating func labels(_ line: UnsafeRawBufferPointer, from brace: Int, _ subject: Metric.Subject) -> Int? {
    var position = brace
    while position < line.count, line[position] != UInt8(ascii: "}") {
      // The brace or comma, then the label's name.
      output.append(line[position])
      let start = position + 1
      guard let equals = Self.find(UInt8(ascii: "="), in: line, from: start), equals + 1 < line.count,
        line[equals + 1] == UInt8(ascii: "\""), let end = Self.endOfValue(line, from: equals + 2)
      else { return nil }
      let name = UnsafeRawBufferPointer(rebasing: line[start..<equals])
      let isProxy = Self.isEqual(name, "proxy")
      let value = UnsafeRawBufferPointer(rebasing: line[(equals + 2)..<end])
      if isProxy, Self.hasPrefix(value, "prometheus-exporter") { return nil }
      switch (subject, isProxy) {
      case (.listener, true): append("listener")
      case (.pool, true), (.member, true): append("pool")
      case (.member, false) where Self.isEqual(name, "server"): append("member")
      default: output.append(contentsOf: name)
      }
      output.append(contentsOf: line[equals...end])
      position = end + 1
      guard position < line.count, line[position] == UInt8(ascii: "}") || line[position] == UInt8(ascii: ",") else {
        return nil
      }
    }
    // `{}` has no label, and the brace is still to be copied; behind labels the loop has ended at theirs.
    if position == brace { return nil }
    return position < line.count ? position : nil
  }

  private mutating func look(up name: UnsafeRawBufferPointer) -> Metric? {
    if Self.isEqual(name, current.name) { return current.metric }
    let metric = MetricTable.metrics[String(decoding: name, as: UTF8.self)]
    current = Known(name: Array(name), metric: metric, output: metric.map { Array($0.name.utf8) } ?? [])
    return metric
  }

  private mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { output.append(contentsOf: $0) }
  }
}

extension MetricTranslation {
  private static func find(_ byte: UInt8, in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    guard start < bytes.count, let base = bytes.baseAddress,
      let found = memchr(base + start, CInt(byte), bytes.count - start)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }

  /// The quote that ends a label's value; a backslash takes the meaning from the character behind it.
  private static func endOfValue(_ line: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var from = start
    while let quote = find(UInt8(ascii: "\""), in: line, from: from) {
      var backslashes = 0
      while quote - backslashes > start, line[quote - backslashes - 1] == UInt8(ascii: "\\") { backslashes += 1 }
      if backslashes % 2 == 0 { return quote }
      from = quote + 1
    }
    return nil
  }

  private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    bytes.count == text.utf8CodeUnitCount && hasPrefix(bytes, text)
  }

  private static func isEqual(_ bytes: UnsafeRawBufferPointer, _ other: [UInt8]) -> Bool {
    guard bytes.count == other.count, let base = bytes.baseAddress else { return false }
    return memcmp(base, other, other.count) == 0
  }

  private static func hasPrefix(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    guard bytes.count >= text.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
    return memcmp(base, text.utf8Start, text.utf8CodeUnitCount) == 0
  }
}
