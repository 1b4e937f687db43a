// A TLS server on loopback that does what a script says, one step per request, and writes requests down.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// What the server does with one request.
enum AgentStep: Sendable {
  case answer(status: Int, contentType: String?, body: String)
  /// Closes the connection without an answer.
  case hangUp
  /// Begins an answer and closes in the middle of its body.
  case tornAnswer
  /// Takes the request and never answers.
  case silence

  static func json(_ status: Int, _ body: String) -> AgentStep {
    .answer(status: status, contentType: "application/json", body: body)
  }
  static let ok = json(200, #"{"message":"OK"}"#)
}

/// A request as the server saw it.
struct SeenRequest: Sendable {
  let method: String
  let uri: String
  let headers: HTTPHeaders
  let body: String

  var line: String { "\(method) \(uri)" }
}

final class ScriptedAgent: Sendable {
  private let channel: any Channel
  private let script: ScriptBox

  private init(channel: any Channel, script: ScriptBox) {
    self.channel = channel
    self.script = script
  }

  /// Starts a server; after the script's end every request is answered 200 OK.
  ///
  /// - Parameters:
  ///   - identityPEM: certificate and key that the server shows.
  ///   - clientCAPEM: the CA of client certificates.
  static func start(
    host: String = "127.0.0.1", identityPEM: String, clientCAPEM: String, minimumTLS: TLSVersion = .tlsv12,
    maximumTLS: TLSVersion? = nil, script: [AgentStep] = []
  ) async throws -> ScriptedAgent {
    let certificates = try NIOSSLCertificate.fromPEMBytes(Array(identityPEM.utf8))
    let key = try NIOSSLPrivateKey(bytes: Array(identityPEM.utf8), format: .pem)
    var tls = TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(clientCAPEM.utf8)))
    tls.certificateVerification = .noHostnameVerification
    tls.minimumTLSVersion = minimumTLS
    tls.maximumTLSVersion = maximumTLS
    let context = try NIOSSLContext(configuration: tls)
    let script = ScriptBox(script)
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let operations = channel.pipeline.syncOperations
          try operations.addHandler(NIOSSLServerHandler(context: context))
          try operations.configureHTTPServerPipeline()
          try operations.addHandler(ScriptHandler(script: script))
        }
      }
      .bind(host: host, port: 0).get()
    return ScriptedAgent(channel: channel, script: script)
  }

  var port: Int { channel.localAddress?.port ?? 0 }

  /// The requests so far, in their order.
  var seen: [SeenRequest] { script.seen }

  func stop() async throws { try await channel.close() }
}

/// The script that all connections of one server share.
private final class ScriptBox: Sendable {
  private let state: Mutex<(steps: [AgentStep], seen: [SeenRequest])>

  init(_ steps: [AgentStep]) { state = Mutex((steps, [])) }

  var seen: [SeenRequest] { state.withLock { $0.seen } }

  func next(for request: SeenRequest) -> AgentStep {
    state.withLock {
      $0.seen.append(request)
      return $0.steps.isEmpty ? .ok : $0.steps.removeFirst()
    }
  }
}

private final class ScriptHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let script: ScriptBox
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()

  init(script: ScriptBox) { self.script = script }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body.clear()
    case .body(var part): body.writeBuffer(&part)
    case .end:
      guard let head else { return }
      act(
        script.next(
          for: SeenRequest(
            method: head.method.rawValue, uri: head.uri, headers: head.headers, body: String(buffer: body))),
        context: context)
    }
  }

  private func act(_ step: AgentStep, context: ChannelHandlerContext) {
    switch step {
    case .silence: break
    case .hangUp: context.close(promise: nil)
    case .tornAnswer:
      let head = HTTPResponseHead(
        version: .http1_1, status: .ok, headers: ["Content-Type": "application/json", "Content-Length": "100"])
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "{\"message\"")))), promise: nil)
      context.close(promise: nil)
    case .answer(let status, let contentType, let text):
      var headers: HTTPHeaders = ["Connection": "close", "Content-Length": "\(text.utf8.count)"]
      if let contentType { headers.add(name: "Content-Type", value: contentType) }
      let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
      context.close(promise: nil)
    }
  }

  // Failed handshakes are what some tests are about.
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
