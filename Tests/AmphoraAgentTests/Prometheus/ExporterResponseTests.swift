// haproxy's answers over HTTP, cut anywhere.

import Testing

@testable import AmphoraAgent

@Suite struct ExporterResponseTests {
  /// The body of an answer that arrives in pieces.
  private func body(_ text: String, pieces: Int = 1 << 16) throws -> String {
    var response = ExporterResponse()
    var body: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty, !response.isComplete {
      try rest.prefix(pieces).withUnsafeBytes { try response.take($0) { body += Array($0) } }
      rest = rest.dropFirst(pieces)
    }
    if !response.isComplete { try response.finish() }
    return String(decoding: body, as: UTF8.self)
  }

  @Test(arguments: [1, 2, 5, 1000]) func `bodies of all three kinds are read`(pieces: Int) throws {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    #expect(
      try body(
        "\(head)Transfer-Encoding:chunked\r\n\r\n5\r\nab\r\nc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
        pieces: pieces) == "ab\r\nc0123456789")
    #expect(try body("\(head)content-length: 3\r\n\r\nabc", pieces: pieces) == "abc")
    #expect(try body("\(head)content-length: 0\r\n\r\n", pieces: pieces) == "")
    #expect(try body("\(head)\r\nabc\r\n\r\n", pieces: pieces) == "abc\r\n\r\n")
    #expect(try body("HTTP/1.0 200\n\nabc", pieces: pieces) == "abc")
  }

  @Test(arguments: [
    ("", ExporterResponse.Failure.notHTTP), ("nonsense\r\n\r\n", .notHTTP), ("HTTP/1.1 x\r\n\r\n", .notHTTP),
    ("HTTP/1.1 503 Service Unavailable\r\n\r\nno", .status(503)), ("HTTP/1.1 200 OK\r\nContent", .notHTTP),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", .incomplete),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", .incomplete),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", .notHTTP),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", .notHTTP),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", .incomplete),
    ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab", .notHTTP),
  ]) func `what is no whole answer is an error`(text: String, failure: ExporterResponse.Failure) {
    #expect(throws: failure) { try body(text) }
  }

  @Test func `a head without end is refused`() {
    #expect(throws: ExporterResponse.Failure.notHTTP) {
      try body("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 20_000))
    }
    #expect(throws: ExporterResponse.Failure.notHTTP) {
      try body("HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 500))
    }
  }
}
