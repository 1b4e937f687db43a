// The one place where errors become answers. Only statuses that controllers take for failures appear: they read any other,
// 413 and 422 among them, as success (contract agent-api §1.4).

import AmphoraProtocol
import Logging

enum ErrorMapper {
  static func response(to error: any Error, logger: Logger) -> APIResponse {
    let response = answer(to: error)
    let level: Logger.Level = response.status >= 500 ? .error : .info
    logger.log(level: level, "request refused", metadata: ["status": "\(response.status)", "error": "\(error)"])
    return response
  }

  private static func answer(to error: any Error) -> APIResponse {
    switch error {
    case let error as RouteRejection: route(error)
    case let error as LoadBalancerError: loadBalancer(error)
    case let error as LVSError: lvs(error)
    case let error as VRRPError: vrrp(error)
    case let error as JSONBodyError: .framework(400, "\(error.subject.rawValue): \(error.reason)")
    case let error as BodyError: message(400, "Invalid request", "\(error)")
    case let error as CertificateNotFound:
      message(404, "Certificate Not Found", "No certificate with filename: \(error.name)")
    case let error as ServerCertificateRefusal: message(400, "Invalid certificate", "\(error)")
    case let error as ConfigurationRefused:
      message(500, "Unable to update amphora-agent configuration.", "\(error)")
    case let error as PlugRefusal: refusal(error)
    case let error as PlugFailure: plug(error)
    case is AddressNotFound: message(404, "Error interface not found for IP address")
    default: unexpected(error)
    }
  }

  private static func message(_ status: Int, _ message: String, _ details: String? = nil) -> APIResponse {
    .json(status, MessageBody(message: message, details: details))
  }

  private static func route(_ rejection: RouteRejection) -> APIResponse {
    switch rejection {
    case .notFound: return .framework(404, "There is no such resource.")
    case .methodNotAllowed(let allowed):
      var response = APIResponse.framework(405, "The method is not allowed for this resource.")
      response.allow = AgentAPI.allow(allowed)
      return response
    case .invalidIdentifier(let what, let text): return message(400, "Invalid Request", "'\(text)' is no \(what)")
    case .unknownAction(let action): return message(400, "Invalid Request", "Unknown action: \(action)")
    case .invalidFileName: return message(400, "Filename has wrong format")
    case .invalidVIP(let text):
      return message(400, "Invalid VIP: '\(text)' does not appear to be an IPv4 or IPv6 address")
    case .invalidAddress: return message(400, "Invalid IP address")
    }
  }

  private static func loadBalancer(_ error: LoadBalancerError) -> APIResponse {
    switch error {
    case .unknown(let id): message(404, "Loadbalancer Not Found", "No loadbalancer with UUID: \(id)")
    case .notText: message(400, "Invalid request", "\(error)")
    case .rejected(let output): message(400, "Invalid request", output)
    // The noun is upstream's, and part of the contract; the unit meant is haproxy's.
    case .enableFailed(let output): message(500, "Error enabling octavia-keepalived service", output)
    // Upstream makes the word by appending "ing": "Error stoping haproxy".
    case .actionFailed(let action, let output): message(500, "Error \(action.rawValue)ing haproxy", output)
    case .stopBeforeDeleteFailed(let output): message(500, "Error stopping haproxy", output)
    }
  }

  private static func lvs(_ error: LVSError) -> APIResponse {
    switch error {
    case .unknown(let id): message(404, "UDP Listener Not Found", "No UDP listener with UUID: \(id)")
    case .rejected(let output): message(400, "Invalid request", output)
    case .enableFailed(let output): message(500, "Error enabling octavia-keepalivedlvs service", output)
    case .actionFailed(let action, let id, let output):
      message(500, "Failed to \(action.rawValue) keepalivedlvs listener \(id)", output)
    case .stopBeforeDeleteFailed(let output): message(500, "Error stopping keepalivedlvs", output)
    case .disableFailed(let id, let output):
      message(500, "Error disabling octavia-keepalivedlvs-\(id) service", output)
    }
  }

  private static func vrrp(_ error: VRRPError) -> APIResponse {
    switch error {
    case .rejected(let output): message(400, "Invalid request", output)
    case .enableFailed(let output): message(500, "Error enabling octavia-keepalived service", output)
    case .actionFailed(let action, let output):
      message(500, "Failed to \(action.rawValue) octavia-keepalived service", output)
    }
  }

  private static func refusal(_ refusal: PlugRefusal) -> APIResponse {
    switch refusal.answer {
    case .message(let text): message(400, text)
    case .framework(let text): .framework(400, "\(text) (\(refusal))")
    }
  }

  private static func plug(_ failure: PlugFailure) -> APIResponse {
    // Without `message`, as upstream; controllers look for the text in `details` and try again.
    if case .noSuitableInterface = failure.error {
      return .json(404, MessageBody(details: "No suitable network interface found"))
    }
    return message(500, "Error plugging \(failure.what)", "\(failure.error)")
  }

  /// Anything else is a 500 that says what failed; error texts name operations, paths and numbers, never file contents.
  private static func unexpected(_ error: any Error) -> APIResponse {
    .json(
      500,
      UnexpectedBody(
        error: "500 Internal Server Error: \(error)", httpCode: 500, message: "Internal error", details: "\(error)"))
  }

  private struct UnexpectedBody: Encodable {
    let error: String
    let httpCode: Int
    let message: String
    let details: String

    private enum CodingKeys: String, CodingKey {
      case error, message, details
      case httpCode = "http_code"
    }
  }
}
