// What can come of a request other than its answer (contract agent-api §1.4).

public import AmphoraProtocol

/// An agent's answer that says no.
public struct AgentRefusal: Hashable, Sendable, CustomStringConvertible {
  /// The amphora that was asked.
  public let amphora: AmphoraID
  /// The request, as `PUT /1.0/vrrp/start`.
  public let request: String
  /// The status code.
  public let status: Int
  /// The `message` of the body, or its `error` in the framework shape.
  public let message: String?
  /// The `details` of the body; often a program's output.
  public let details: String?
  /// The body's text when it is no JSON, cut to 2,000 characters.
  public let text: String?

  /// The answer in words.
  public var description: String {
    let body = [message, details, text].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ": ")
    return "amphora \(amphora) answered \(request) with \(status)" + (body.isEmpty ? "" : ": \(body)")
  }
}

/// A failed request to an agent.
public enum AmphoraClientError: Error, Hashable, Sendable {
  /// 400 or 405: the agent does not understand or accept the request.
  case invalidRequest(AgentRefusal)
  /// 401.
  case unauthorized(AgentRefusal)
  /// 403.
  case forbidden(AgentRefusal)
  /// 404 with a JSON body: the object does not exist, or the agent does not know the route.
  case notFound(AgentRefusal)
  /// 409.
  case conflict(AgentRefusal)
  /// 500: the agent tried and failed.
  case internalServerError(AgentRefusal)
  /// 503; final, not "come back later".
  case serviceUnavailable(AgentRefusal)
  /// Another status that is no success.
  case unexpectedStatus(AgentRefusal)
  /// The answer has a good status and a body that is not what the route answers.
  case unusableAnswer(amphora: AmphoraID, request: String, reason: String)
  /// Every attempt failed before a final answer came; with the last attempt's reason.
  case unreachable(amphora: AmphoraID, request: String, attempts: Int, lastReason: String)
  /// The client has been shut down.
  case clientIsShutDown(amphora: AmphoraID, request: String)

  /// The error of a status that is no success and is not retried.
  init(_ refusal: AgentRefusal) {
    switch refusal.status {
    case 400, 405: self = .invalidRequest(refusal)
    case 401: self = .unauthorized(refusal)
    case 403: self = .forbidden(refusal)
    case 404: self = .notFound(refusal)
    case 409: self = .conflict(refusal)
    case 500: self = .internalServerError(refusal)
    case 503: self = .serviceUnavailable(refusal)
    default: self = .unexpectedStatus(refusal)
    }
  }

  /// The agent's answer, when there was one.
  public var refusal: AgentRefusal? {
    switch self {
    case .invalidRequest(let refusal), .unauthorized(let refusal), .forbidden(let refusal), .notFound(let refusal),
      .conflict(let refusal), .internalServerError(let refusal), .serviceUnavailable(let refusal),
      .unexpectedStatus(let refusal):
      refusal
    case .unusableAnswer, .unreachable, .clientIsShutDown: nil
    }
  }
}

extension AmphoraClientError: CustomStringConvertible {
  /// The error in words.
  public var description: String {
    switch self {
    case .unusableAnswer(let amphora, let request, let reason):
      "amphora \(amphora) answered \(request) with something unusable: \(reason)"
    case .unreachable(let amphora, let request, let attempts, let lastReason):
      "amphora \(amphora) did not answer \(request) in \(attempts) attempt\(attempts == 1 ? "" : "s"): \(lastReason)"
    case .clientIsShutDown(let amphora, let request):
      "\(request) to amphora \(amphora): the client is shut down"
    default: refusal?.description ?? ""
    }
  }
}
