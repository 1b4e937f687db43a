// One request for metrics: the request's head, haproxy's exporter, the answer as it comes (contract services §7.3).

import Glibc

/// Answers one connection; blocks.
struct PrometheusScrape {
  /// What a request gets.
  private enum Answer {
    case metrics(withBody: Bool)
    case methodNotAllowed
    /// Nothing: it is no request.
    case none
  }

  let proxy: PrometheusProxy

  /// haproxy gives an answer 5 s to begin; a failure must arrive before that to be told as one.
  private static let patience = Duration.seconds(4)
  /// All of it, also to a client that reads slowly.
  private static let limit = Duration.seconds(60)
  private static let bufferSize = 64 << 10

  func serve(_ client: consuming TimedSocket) {
    let begin = ContinuousClock.now + Self.patience
    switch Self.request(client, until: begin) {
    case .metrics(let withBody): relay(client, until: begin, withBody: withBody)
    case .methodNotAllowed:
      try? client.write(Self.head("405 Method Not Allowed", "allow: GET, HEAD\r\ncontent-length: 0\r\n"), until: begin)
      client.endGracefully(until: begin)
    case .none: break
    }
  }

  private static func head(_ status: String, _ headers: String = "") -> String {
    "HTTP/1.1 \(status)\r\n\(headers)connection: close\r\n\r\n"
  }

  /// Reads a request's head; what its path says does not matter.
  private static func request(_ client: borrowing TimedSocket, until deadline: ContinuousClock.Instant) -> Answer {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while !hasHead(bytes) {
      guard let count = try? chunk.withUnsafeMutableBytes({ try client.read(into: $0, until: deadline) }), count > 0,
        bytes.count + count <= 32 << 10
      else { return .none }
      bytes += chunk[..<count]
    }
    let method = String(decoding: bytes.prefix { $0 != UInt8(ascii: " ") }.prefix(16), as: UTF8.self)
    return switch method {
    case "GET": .metrics(withBody: true)
    case "HEAD": .metrics(withBody: false)
    default: .methodNotAllowed
    }
  }

  /// Whether there is the empty line that ends the head; a body behind it does not matter.
  private static func hasHead(_ bytes: [UInt8]) -> Bool {
    var isLineEmpty = false
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        if isLineEmpty { return true }
        isLineEmpty = true
      } else if byte != UInt8(ascii: "\r") {
        isLineEmpty = false
      }
    }
    return false
  }

  private func relay(_ client: borrowing TimedSocket, until begin: ContinuousClock.Instant, withBody: Bool) {
    var hasBegun = false
    do {
      let exporter = try proxy.connect(until: begin)
      try exporter.write(
        "GET /metrics HTTP/1.1\r\nHost: \(proxy.exporterName)\r\nConnection: close\r\n\r\n", until: begin)
      try translate(exporter, client, until: begin, withBody: withBody, &hasBegun)
      client.endGracefully(until: .now + Self.patience)
    } catch {
      proxy.report("no metrics: \(error)")
      if hasBegun {
        // An end without reset would make a part look like the whole.
        client.resetAtEnd()
      } else {
        try? client.write(Self.head("502 Bad Gateway"), until: .now + .seconds(1))
        client.endGracefully(until: .now + .seconds(1))
      }
    }
  }

  private func translate(
    _ exporter: borrowing TimedSocket, _ client: borrowing TimedSocket, until begin: ContinuousClock.Instant,
    withBody: Bool, _ hasBegun: inout Bool
  ) throws {
    var response = ExporterResponse()
    var translation = MetricTranslation(onRejected: proxy.onRejected)
    let end = ContinuousClock.now + Self.limit
    var deadline = begin
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 16)
    defer { buffer.deallocate() }
    while !response.isComplete {
      let count = try exporter.read(into: buffer, until: deadline)
      if count == 0 {
        try response.finish()
        break
      }
      try response.take(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { translation.take($0) }
      guard response.hasHead else { continue }
      deadline = min(.now + Self.patience, end)
      if !hasBegun {
        hasBegun = true
        try client.write(
          Self.head("200 OK", "cache-control: no-cache\r\ncontent-type: text/plain; version=0.0.4\r\n"), until: deadline
        )
        if !withBody { return }
        try client.write(HostMetrics.text(), until: deadline)
      }
      if translation.output.count >= Self.bufferSize { try flush(&translation, client, until: deadline) }
    }
    translation.finish()
    try flush(&translation, client, until: deadline)
    try client.write(proxy.agentMetrics(), until: .now + Self.patience)
  }

  private func flush(
    _ translation: inout MetricTranslation, _ client: borrowing TimedSocket, until deadline: ContinuousClock.Instant
  ) throws {
    try translation.output.withUnsafeBytes { try client.write($0, until: deadline) }
    translation.discardOutput()
  }
}
