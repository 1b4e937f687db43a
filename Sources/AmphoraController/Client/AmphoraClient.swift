// A controller's side of the agent API: asks again as the contract says, and turns answers into values and typed errors.
// One method per route is in AmphoraClient+Routes.swift.

import AmphoraProtocol
public import Logging
public import NIOCore
public import NIOPosix

/// A client of one amphora's agent over mutual TLS.
///
/// The server's chain is checked against the server CA, and the certificate's name against the amphora's id instead of its
/// address. Every method throws `AmphoraClientError`, or `CancellationError` when its task is cancelled.
/// ``shutdown()`` must be called before the last copy goes away.
public struct AmphoraClient: Sendable {
  /// Where the agent is.
  public let endpoint: AmphoraEndpoint
  /// How often requests are tried.
  public var retry: RetryProfile
  /// Hears of each attempt of a request; nil for nobody.
  ///
  /// Runs within the request, so it must not block.
  public var onProgress: (@Sendable (RequestProgress) -> Void)?

  private let transport: AgentTransport
  private let clock: any Clock<Duration>
  private let logger: Logger?

  /// Makes a client; no connection is opened yet.
  ///
  /// - Parameters:
  ///   - endpoint: where the agent is.
  ///   - credentials: the controller's certificate and the server CA.
  ///   - retry: how often requests are tried.
  ///   - timeouts: limits of each attempt.
  ///   - clock: the clock of the pauses between attempts.
  ///   - eventLoopGroup: where connections run.
  ///   - logger: hears of failed attempts, at level debug.
  public init(
    endpoint: AmphoraEndpoint, credentials: ControllerCredentials, retry: RetryProfile = .normal,
    timeouts: RequestTimeouts = RequestTimeouts(), clock: any Clock<Duration> = ContinuousClock(),
    eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, logger: Logger? = nil
  ) throws(CredentialError) {
    self.endpoint = endpoint
    self.retry = retry
    self.clock = clock
    self.logger = logger
    transport = try AgentTransport(
      endpoint: endpoint, credentials: credentials, timeouts: timeouts, eventLoopGroup: eventLoopGroup)
  }

  /// The same client with another patience; both share connections and ``shutdown()``.
  public func retrying(_ profile: RetryProfile) -> AmphoraClient {
    var copy = self
    copy.retry = profile
    return copy
  }

  /// The same client with somebody who hears of its attempts; both share connections and ``shutdown()``.
  public func reporting(_ onProgress: @escaping @Sendable (RequestProgress) -> Void) -> AmphoraClient {
    var copy = self
    copy.onProgress = onProgress
    return copy
  }

  /// Closes the connections; requests under way fail.
  public func shutdown() async throws { try await transport.shutdown() }

  /// Sends any request once and returns whatever comes back.
  ///
  /// - Parameters:
  ///   - method: the method's name.
  ///   - path: the path, percent-encoded where needed.
  ///   - headers: headers besides those of HTTP itself.
  ///   - body: the body; nil for none.
  public func raw(
    method: String, path: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) async throws -> AgentAnswer {
    do {
      return try await transport.send(method: method, path: path, headers: headers, body: body)
    } catch let failure as TransportFailure {
      throw error(failure, request: "\(method) \(path)", attempts: 1)
    }
  }

  /// Sends a route's request until it gets a final answer.
  ///
  /// - Parameter accepted: a status besides those of success that this route answers with.
  func perform(_ route: AgentRoute, body: RequestBody = .none, accepting accepted: Int? = nil) async throws
    -> AgentAnswer
  {
    let request = "\(route.method.rawValue) \(route.path)"
    return try await repeated(request) { transport in
      let answer = try await transport.send(
        method: route.method.rawValue, path: route.path, headers: body.headers, body: body.bytes)
      if answer.status == accepted { return answer }
      switch answer.meaning(amphora: endpoint.amphora, request: request) {
      case .success: return answer
      case .refused(let refusal): throw AmphoraClientError(refusal)
      case .notReady(let why): throw TransportFailure(reason: why, isShutDown: false)
      }
    }
  }

  /// Tries until an attempt ends in something other than `TransportFailure`, as the profile says.
  func repeated<Value>(
    _ request: String, _ attemptOnce: (AgentTransport) async throws -> Value
  ) async throws -> Value {
    var attempt = 0
    while true {
      attempt += 1
      tell(request, attempt, .began)
      let reason: String
      do {
        let value = try await attemptOnce(transport)
        tell(request, attempt, .succeeded)
        return value
      } catch let error as AmphoraClientError {
        if let refusal = error.refusal { tell(request, attempt, .refused(status: refusal.status)) }
        throw error
      } catch let failure as TransportFailure {
        if failure.isShutDown { throw error(failure, request: request, attempts: attempt) }
        reason = failure.reason
      }
      logger?.debug(
        "attempt failed",
        metadata: [
          "amphora": "\(endpoint.amphora)", "request": "\(request)", "attempt": "\(attempt)", "reason": "\(reason)",
        ])
      let isLast = attempt >= retry.attempts
      tell(request, attempt, .failed(reason: reason, nextIn: isLast ? nil : retry.pause))
      guard !isLast else {
        throw AmphoraClientError.unreachable(
          amphora: endpoint.amphora, request: request, attempts: attempt, lastReason: reason)
      }
      try await clock.sleep(for: retry.pause)
    }
  }

  private func tell(_ request: String, _ attempt: Int, _ step: RequestProgress.Step) {
    onProgress?(
      RequestProgress(
        amphora: endpoint.amphora, request: request, attempt: attempt, attempts: retry.attempts, step: step))
  }

  private func error(_ failure: TransportFailure, request: String, attempts: Int) -> AmphoraClientError {
    failure.isShutDown
      ? .clientIsShutDown(amphora: endpoint.amphora, request: request)
      : .unreachable(
        amphora: endpoint.amphora, request: request, attempts: attempts, lastReason: failure.reason)
  }
}

/// The body of a request with the content type that the contract wants for it: none at all for raw uploads.
enum RequestBody {
  case none
  case raw([UInt8])
  case json([UInt8])

  var headers: [(name: String, value: String)] {
    switch self {
    case .json: [("Content-Type", "application/json")]
    case .none, .raw: []
    }
  }

  var bytes: [UInt8]? {
    switch self {
    case .none: nil
    case .raw(let bytes), .json(let bytes): bytes
    }
  }
}
