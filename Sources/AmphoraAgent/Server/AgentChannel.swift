// One connection: TLS, one request, one answer, end. Upstream's agent closes after each answer, and controllers count on
// it (contract agent-api §1.1): a pooled socket that closes silently would cost them an attempt.

import HTTPTypes
import HummingbirdCore
package import Logging
package import NIOCore
package import NIOHTTPTypes
import NIOSSL

/// Sets up and serves connections of the agent's HTTPS server.
package struct AgentChannel: ServerChildChannel {
  package typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

  private let tls: ServerTLS
  private let http: HTTP1Channel
  private let allowedClients: AllowedClients
  private let api: AgentAPI
  private let accessLog: AccessLog
  private let metrics: AgentMetrics
  private let requests: RequestLedger
  private let logger: Logger

  /// - Parameters:
  ///   - logger: takes what happens on connections. The server below has one of its own, for its own life.
  ///   - requestReadTimeout: `agent_request_read_timeout`; nil for no bound.
  package init(
    tls: ServerTLS, allowedClients: AllowedClients, api: AgentAPI, accessLog: AccessLog,
    metrics: AgentMetrics, requests: RequestLedger, logger: Logger, requestReadTimeout: Duration?
  ) {
    self.tls = tls
    self.allowedClients = allowedClients
    self.api = api
    self.accessLog = accessLog
    self.metrics = metrics
    self.requests = requests
    self.logger = logger
    let bound = requestReadTimeout.map { TimeAmount($0) }
    // 16 KiB of headers: controllers send some hundred bytes.
    http = HTTP1Channel(
      responder: { _, _, _ in },
      configuration: .init(
        additionalChannelHandlers: [ConnectionDeadline(requestRead: bound)],
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 16 << 10, maxHeaderFieldCount: 100)))
  }

  package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.context()))
    }.flatMap { http.setup(channel: channel, logger: logger) }
  }

  package func handle(value: Value, logger _: Logger) async {
    requests.count(connections: 1)
    defer { requests.count(connections: -1) }
    do {
      try await value.executeThenClose { inbound, outbound in
        var parts = inbound.makeAsyncIterator()
        do {
          guard case .head(let head) = try await parts.next() else { return }
          try await exchange(head, &parts, outbound, channel: value.channel)
        } catch let error
          where !(error is ChannelError) && !(error is NIOSSLError) && !(error is IOError)
          && !(error is CancellationError)
        {
          // What the HTTP parser refuses.
          logger.info("request is no HTTP", metadata: ["error": "\(error)"])
          try await write(.framework(400, "The request is not valid HTTP/1.1."), isHead: false, to: outbound)
        }
        try await linger(&parts, outbound)
      }
    } catch {
      // A peer without an acceptable certificate ends here, as does one that goes away.
      logger.debug(
        "connection ended", metadata: ["peer": "\(Self.peer(value.channel))", "error": "\(error)"])
    }
  }

  private func exchange(
    _ head: HTTPRequest, _ parts: inout NIOAsyncChannelInboundStream<HTTPRequestPart>.AsyncIterator,
    _ outbound: NIOAsyncChannelOutboundWriter<HTTPResponsePart>, channel: any Channel
  ) async throws {
    let start = ContinuousClock.now
    if head.headerFields[.expect]?.lowercased() == "100-continue" {
      try await outbound.write(.head(HTTPResponse(status: .continue)))
    }
    let method = head.method.rawValue
    let path = head.path ?? "/"
    let id = RequestID.next()
    requests.begin(id, method: method, path: path, client: Self.peer(channel))
    defer { requests.end(id) }
    let body = try await collect(&parts, limit: AgentAPI.bodyLimit(method: method, path: path))
    let request = APIRequest(method: method, path: path, contentType: head.headerFields[.contentType], body: body)
    let response = await RequestID.$current.withValue(id) { await respond(to: request, from: channel) }
    requests.answered(id, status: response.status)
    // Also of a client that did not wait for its answer.
    defer {
      let duration = ContinuousClock.now - start
      metrics.noteRequest(method: method, path: path, status: response.status, took: duration)
      let entry = AccessLog.Entry(
        peer: Self.peer(channel), method: method, path: path, status: response.status,
        bytes: response.body.count, duration: duration)
      RequestID.$current.withValue(id) { accessLog.record(entry) }
    }
    try await write(response, isHead: head.method == .head, to: outbound, requestID: id)
  }

  private func respond(to request: APIRequest, from channel: any Channel) async -> APIResponse {
    if let refusal = await refusal(of: channel) {
      logger.warning("client refused", metadata: ["reason": "\(refusal)"])
      return .framework(403, "\(refusal)")
    }
    return await api.respond(to: request, logger: logger)
  }

  /// The client's address; the dual-stack socket shows an IPv4 one as `::ffff:192.0.2.1`.
  private static func peer(_ channel: any Channel) -> String {
    let text = channel.remoteAddress?.ipAddress ?? "-"
    return text.hasPrefix("::ffff:") && text.contains(".") ? String(text.dropFirst(7)) : text
  }

  /// Why the client behind a connection may not give orders; nil when it may.
  private func refusal(of channel: any Channel) async -> (any Error)? {
    if allowedClients.isEmpty { return nil }
    do {
      try allowedClients.check(try await channel.nioSSL_peerCertificate().get())
      return nil
    } catch {
      return error
    }
  }

  /// Reads the body up to a limit.
  private func collect(
    _ parts: inout NIOAsyncChannelInboundStream<HTTPRequestPart>.AsyncIterator, limit: Int
  ) async throws -> Result<[UInt8], BodyError> {
    var bytes: [UInt8] = []
    while let part = try await parts.next() {
      switch part {
      case .head: return .failure(.incomplete)
      case .body(let buffer):
        guard bytes.count + buffer.readableBytes <= limit else { return .failure(.tooLarge(limit: limit)) }
        bytes.append(contentsOf: buffer.readableBytesView)
      case .end: return .success(bytes)
      }
    }
    return .failure(.incomplete)
  }

  private func write(
    _ response: APIResponse, isHead: Bool, to outbound: NIOAsyncChannelOutboundWriter<HTTPResponsePart>,
    requestID: RequestID? = nil
  ) async throws {
    var fields = HTTPFields()
    fields[.contentType] = response.contentType
    fields[.contentLength] = String(response.body.count)
    fields[.connection] = "close"
    fields[.eTag] = response.eTag
    fields[.allow] = response.allow
    if let requestID, let name = HTTPField.Name("X-Request-Id") { fields[name] = requestID.description }
    var parts: [HTTPResponsePart] = [.head(HTTPResponse(status: .init(code: response.status), headerFields: fields))]
    if !isHead, !response.body.isEmpty { parts.append(.body(ByteBuffer(bytes: response.body))) }
    parts.append(.end(nil))
    try await outbound.write(contentsOf: parts)
  }

  /// Ends our side, then reads on until the peer ends its own: closing a socket with unread data resets it, and the
  /// peer may lose the answer.
  ///
  /// What it still sends of a refused body is thrown away, up to 64 MiB.
  private func linger(
    _ parts: inout NIOAsyncChannelInboundStream<HTTPRequestPart>.AsyncIterator,
    _ outbound: NIOAsyncChannelOutboundWriter<HTTPResponsePart>
  ) async throws {
    outbound.finish()
    var budget = 64 << 20
    while budget > 0, let part = try await parts.next() {
      if case .body(let buffer) = part { budget -= buffer.readableBytes }
      if case .end = part { return }
    }
  }
}
