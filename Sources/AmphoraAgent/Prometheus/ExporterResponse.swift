// The answer of haproxy's exporter as a state machine: bytes go in as they arrive, the body's parts come out (RFC 9112).

/// An HTTP/1.1 response with a chunked body, or one of known length, or one that ends with the connection.
struct ExporterResponse: ~Copyable {
  /// Why an answer is not used.
  enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    case notHTTP
    case status(Int)
    case incomplete

    var description: String {
      switch self {
      case .notHTTP: "haproxy's answer is not HTTP"
      case .status(let status): "haproxy answers with status \(status)"
      case .incomplete: "haproxy's answer ended early"
      }
    }
  }

  private enum State {
    case head
    case chunkSize
    case chunk(left: Int)
    /// The line end behind a chunk.
    case chunkEnd
    case trailer
    case length(left: Int)
    case untilEnd
    case done
  }

  private var state = State.head
  /// The line being read, of the head or of the chunks' frame.
  private var line: [UInt8] = []
  private var lines: [String] = []

  /// Whether status and headers have been read and were good.
  var hasHead: Bool { if case .head = state { false } else { true } }
  /// Whether the body is complete.
  private(set) var isComplete = false

  private static let longestLine = 8 << 10

  /// Takes the next bytes; `body` gets the parts of the body among them.
  mutating func take(
    _ bytes: UnsafeRawBufferPointer, body: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var position = 0
    while position < bytes.count {
      switch state {
      case .done: return
      case .untilEnd:
        try body(UnsafeRawBufferPointer(rebasing: bytes[position...]))
        return
      case .chunk(let left), .length(let left):
        let count = min(left, bytes.count - position)
        try body(UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
        position += count
        advance(by: count, of: left)
      case .head, .chunkSize, .chunkEnd, .trailer:
        let byte = bytes[position]
        position += 1
        if byte != UInt8(ascii: "\n") {
          guard line.count < Self.longestLine else { throw Failure.notHTTP }
          line.append(byte)
          continue
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        let text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        try take(line: text)
      }
    }
  }

  /// Takes the end of the connection.
  mutating func finish() throws(Failure) {
    if case .untilEnd = state { complete() }
    guard isComplete else { throw hasHead ? .incomplete : .notHTTP }
  }

  private mutating func complete() {
    state = .done
    isComplete = true
  }

  private mutating func advance(by count: Int, of left: Int) {
    if case .chunk = state {
      state = count == left ? .chunkEnd : .chunk(left: left - count)
    } else if count == left {
      complete()
    } else {
      state = .length(left: left - count)
    }
  }

  private mutating func take(line: String) throws(Failure) {
    switch state {
    case .head where line.isEmpty: try readHead()
    case .head:
      guard lines.count < 100 else { throw .notHTTP }
      lines.append(line)
    case .chunkSize:
      // An extension may follow the size.
      let digits = line.prefix { $0 != ";" && $0 != " " }
      guard let size = Int(digits, radix: 16), (0...1 << 30).contains(size) else { throw .notHTTP }
      state = size == 0 ? .trailer : .chunk(left: size)
    case .chunkEnd:
      guard line.isEmpty else { throw .notHTTP }
      state = .chunkSize
    case .trailer: if line.isEmpty { complete() }
    case .chunk, .length, .untilEnd, .done: break
    }
  }

  private mutating func readHead() throws(Failure) {
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw .notHTTP }
    guard (200..<300).contains(status) else { throw .status(status) }
    state = .untilEnd
    for header in lines.dropFirst() {
      let parts = header.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { throw .notHTTP }
      let value = parts[1].trimmingBlanks().lowercased()
      switch parts[0].lowercased() {
      case "transfer-encoding": state = .chunkSize
      case "content-length":
        guard let length = Int(value), length >= 0 else { throw .notHTTP }
        if case .untilEnd = state { state = .length(left: length) }
      default: break
      }
    }
    if case .length(left: 0) = state { complete() }
  }
}

extension Substring {
  fileprivate func trimmingBlanks() -> Substring {
    let isBlank = { (character: Character) in character == " " || character == "\t" }
    var text = drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }
}
