// Requests and answers between the HTTP server and the API, free of either one's library types.

import AmphoraProtocol
import FoundationEssentials

/// A request.
package struct APIRequest: Sendable {
  package var method: String
  /// The request target, percent-encoded.
  package var path: String
  package var contentType: String?
  /// The whole body, or why it was not taken.
  ///
  /// Only routes that want a body look at it.
  package var body: Result<[UInt8], BodyError>

  package init(
    method: String, path: String, contentType: String? = nil, body: Result<[UInt8], BodyError> = .success([])
  ) {
    self.method = method
    self.path = path
    self.contentType = contentType
    self.body = body
  }
}

/// A body that is not taken.
package enum BodyError: Error, Sendable, CustomStringConvertible {
  case tooLarge(limit: Int)
  /// The client ended the connection, or the time for the request was over.
  case incomplete

  package var description: String {
    switch self {
    case .tooLarge(let limit): "the body is larger than \(limit) bytes"
    case .incomplete: "the body ended early"
    }
  }
}

/// An answer.
package struct APIResponse: Sendable {
  package var status: Int
  package var contentType: String
  package var eTag: String?
  /// The `Allow` header's value.
  package var allow: String?
  package var body: [UInt8]

  package init(status: Int, contentType: String, eTag: String? = nil, allow: String? = nil, body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.eTag = eTag
    self.allow = allow
    self.body = body
  }

  /// An answer with a JSON body.
  package static func json(_ status: Int, _ value: some Encodable, eTag: String? = nil) -> APIResponse {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    // Encoding our own answer types cannot fail: they hold texts, integers and lists of them.
    let body = (try? encoder.encode(value)).map { Array($0) } ?? Array("{}".utf8)
    return APIResponse(status: status, contentType: "application/json", eTag: eTag, body: body)
  }

  /// `{"message":"OK"}`, with details if given.
  package static func ok(_ status: Int, details: String? = nil, eTag: String? = nil) -> APIResponse {
    json(status, MessageBody(message: "OK", details: details), eTag: eTag)
  }

  /// An answer with a configuration file.
  package static func text(_ body: [UInt8], eTag: String? = nil) -> APIResponse {
    APIResponse(status: 200, contentType: "text/plain; charset=UTF-8", eTag: eTag, body: body)
  }

  /// An error in the framework's shape (contract agent-api §1.3).
  package static func framework(_ status: Int, _ text: String) -> APIResponse {
    let reason =
      switch status {
      case 400: "Bad Request"
      case 403: "Forbidden"
      case 404: "Not Found"
      case 405: "Method Not Allowed"
      case 409: "Conflict"
      case 503: "Service Unavailable"
      default: "Internal Server Error"
      }
    return json(status, FrameworkErrorBody(status: status, reason: reason, text: text))
  }
}
