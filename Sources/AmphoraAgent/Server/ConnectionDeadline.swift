// Bounds on one connection in time, whatever its peer does: handshake, reading the request, and the answer.

import NIOCore
import NIOHTTPTypes
import NIOTLS

/// Closes a connection that is too slow.
final class ConnectionDeadline: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart

  /// A peer that has not finished the TLS handshake by then is not a controller.
  private static let handshake = TimeAmount.seconds(10)
  /// The longest that a request may be worked on and its answer be taken, after it was read.
  private static let answer = TimeAmount.seconds(120)

  private let requestRead: TimeAmount?
  private var timer: Scheduled<Void>?

  /// - Parameter requestRead: `agent_request_read_timeout`; nil for no bound.
  init(requestRead: TimeAmount?) { self.requestRead = requestRead }

  func handlerAdded(context: ChannelHandlerContext) { arm(Self.handshake, context) }
  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted = event as? TLSUserEvent { arm(requestRead, context) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .end = unwrapInboundIn(data) { arm(Self.answer, context) }
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  private func arm(_ time: TimeAmount?, _ context: ChannelHandlerContext) {
    timer?.cancel()
    let channel = context.channel
    timer = time.map { context.eventLoop.scheduleTask(in: $0) { channel.close(promise: nil) } }
  }
}
