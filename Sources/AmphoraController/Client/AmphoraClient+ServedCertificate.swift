// The certificate that an agent shows now: the HTTP client does not tell, so this asks on a connection of its own.

public import AmphoraCrypto
import AmphoraProtocol
import NIOCore
import NIOPosix
import NIOSSL

extension AmphoraClient {
  /// Opens a new connection, waits for an answer to `GET /` on it, and returns the certificate that the agent shows there.
  ///
  /// The answer matters: in TLS 1.3 the handshake ends for the client before the agent has judged the client's certificate.
  /// The agent's certificate was verified as for every request.
  public func servedCertificate() async throws -> X509Certificate {
    let der = try await repeated("GET / (for the certificate)") { try await CertificateProbe(transport: $0).run() }
    do {
      return try X509Certificate(der: der)
    } catch {
      throw AmphoraClientError.unusableAnswer(
        amphora: endpoint.amphora, request: "TLS handshake", reason: "\(error)")
    }
  }
}

/// One connection with one request.
private struct CertificateProbe {
  let transport: AgentTransport

  func run() async throws -> [UInt8] {
    let endpoint = transport.endpoint
    let eventLoop = transport.eventLoopGroup.next()
    let promise = eventLoop.makePromise(of: [UInt8].self)
    // From the connection to the answer.
    let deadline = eventLoop.scheduleTask(
      in: TimeAmount(transport.timeouts.connect) + TimeAmount(transport.timeouts.read)
    ) {
      promise.fail(TransportFailure(reason: "no answer in time", isShutDown: false))
    }
    do {
      let context = try NIOSSLContext(configuration: transport.tls)
      let channel = try await ClientBootstrap(group: eventLoop)
        .connectTimeout(TimeAmount(transport.timeouts.connect))
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let tls = try NIOSSLClientHandler(context: context, serverHostname: endpoint.amphora.text)
            try channel.pipeline.syncOperations.addHandlers(
              tls, CertificateProbeHandler(host: "\(endpoint.amphora):\(endpoint.port)", promise: promise))
          }
        }
        .connect(host: endpoint.host, port: endpoint.port).get()
      defer { channel.close(promise: nil) }
      let certificate = try await withTaskCancellationHandler {
        try await promise.futureResult.get()
      } onCancel: {
        promise.fail(CancellationError())
      }
      deadline.cancel()
      return certificate
    } catch {
      deadline.cancel()
      // Nobody waits for it any more; a promise must be fulfilled all the same.
      promise.fail(error)
      try Task.checkCancellation()
      throw (error as? TransportFailure) ?? TransportFailure(reason: "\(error)", isShutDown: false)
    }
  }
}

/// Sends the request and takes the certificate when the answer begins.
private final class CertificateProbeHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let host: String
  private let promise: EventLoopPromise<[UInt8]>

  init(host: String, promise: EventLoopPromise<[UInt8]>) {
    self.host = host
    self.promise = promise
  }

  func channelActive(context: ChannelHandlerContext) {
    let request = "GET / HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request)), promise: nil)
    context.fireChannelActive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    do {
      guard let certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate() else { return }
      promise.succeed(try certificate.toDERBytes())
    } catch {
      promise.fail(error)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    promise.fail(TransportFailure(reason: "\(error)", isShutDown: false))
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    promise.fail(TransportFailure(reason: "the agent closed the connection without an answer", isShutDown: false))
    context.fireChannelInactive()
  }
}
