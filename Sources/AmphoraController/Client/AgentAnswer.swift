// One answer of an agent as it came, and what it means for the caller.

import AmphoraProtocol
import FoundationEssentials

/// An answer as it stands on the wire.
public struct AgentAnswer: Sendable {
  /// The status code.
  public let status: Int
  /// The headers in their order, names as sent.
  public let headers: [(name: String, value: String)]
  /// The body.
  public let body: [UInt8]

  /// The body as text.
  public var text: String { String(decoding: body, as: UTF8.self) }

  /// The first value of a header, whatever its letter case.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// Whether the content type is JSON.
  var isJSON: Bool { header("Content-Type")?.lowercased().contains("application/json") ?? false }
}

/// What an answer means (contract agent-api §1.4).
enum AnswerMeaning {
  case success
  /// The agent is not ready yet: ask again.
  case notReady(reason: String)
  case refused(AgentRefusal)
}

extension AgentAnswer {
  /// The text in `details` with which an agent says that a hot-plugged NIC has not shown up yet.
  private static let interfaceMissing = "No suitable network interface found"

  func meaning(amphora: AmphoraID, request: String) -> AnswerMeaning {
    if (200..<300).contains(status) { return .success }
    let shape = isJSON ? try? JSONDecoder().decode(RefusalBody.self, from: Data(body)) : nil
    if status == 404 {
      guard isJSON else { return .notReady(reason: "404 without a JSON body") }
      if shape?.details?.contains(Self.interfaceMissing) == true { return .notReady(reason: Self.interfaceMissing) }
    }
    return .refused(
      AgentRefusal(
        amphora: amphora, request: request, status: status, message: shape?.message ?? shape?.error,
        details: shape?.details, text: shape == nil && !body.isEmpty ? String(text.prefix(2000)) : nil))
  }
}

/// Both shapes of error bodies (contract agent-api §1.3); values of other types count as absent.
private struct RefusalBody: Decodable {
  let message: String?
  let details: String?
  let error: String?

  private enum CodingKeys: String, CodingKey { case message, details, error }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    message = try? container.decodeIfPresent(String.self, forKey: .message)
    details = try? container.decodeIfPresent(String.self, forKey: .details)
    error = try? container.decodeIfPresent(String.self, forKey: .error)
  }
}
