// Why a datagram is not a heartbeat.

/// The reason for dropping a datagram (contract heartbeat-and-config §3.2).
public enum HeartbeatRejection: Error, Hashable, Sendable {
  /// Fewer bytes than the shorter digest form has.
  case tooShort(bytes: Int)
  /// More bytes than a receiver's buffer (65536) holds.
  case tooLong(bytes: Int)
  /// Neither digest form matches with any of the keys: forged, damaged, or sealed with an unknown key.
  case digestMismatch
  /// The digest is right, the payload does not start like a zlib stream (RFC 1950).
  case notZlib(reason: String)
  /// The digest is right, the zlib stream ends too early.
  case truncatedStream
  /// The digest is right, the zlib stream is damaged inside or its checksum is wrong.
  case corruptStream(reason: String)
  /// The payload inflates to more than the limit.
  case inflatedTooLarge(limit: Int)
  /// zlib could not work at all, for lack of memory.
  case inflateFailed(code: Int)
  /// The inflated text is not UTF-8.
  case notUTF8
  /// The inflated text is not JSON; `offset` in bytes.
  case notJSON(reason: String, offset: Int)
  /// The inflated text is JSON, but not an object.
  case notAnObject
  /// A part without which the message means nothing is missing or of the wrong type.
  case malformed(String)

  /// A short name without variable parts, for counters.
  public var kind: String {
    switch self {
    case .tooShort: "too-short"
    case .tooLong: "too-long"
    case .digestMismatch: "digest-mismatch"
    case .notZlib: "not-zlib"
    case .truncatedStream: "truncated-stream"
    case .corruptStream: "corrupt-stream"
    case .inflatedTooLarge: "inflated-too-large"
    case .inflateFailed: "inflate-failed"
    case .notUTF8: "not-utf8"
    case .notJSON: "not-json"
    case .notAnObject: "not-an-object"
    case .malformed: "malformed"
    }
  }
}

extension HeartbeatRejection: CustomStringConvertible {
  /// The reason in words.
  public var description: String {
    switch self {
    case .tooShort(let bytes): "\(bytes) bytes are too few for a heartbeat"
    case .tooLong(let bytes): "\(bytes) bytes are too many for a heartbeat"
    case .digestMismatch: "the digest does not match: wrong heartbeat key, or damaged on the way"
    case .notZlib(let reason): "the payload is no zlib stream: \(reason)"
    case .truncatedStream: "the payload's zlib stream ends too early"
    case .corruptStream(let reason): "the payload's zlib stream is damaged: \(reason)"
    case .inflatedTooLarge(let limit): "the payload inflates to more than \(limit) bytes"
    case .inflateFailed(let code): "zlib failed with code \(code)"
    case .notUTF8: "the message is not UTF-8"
    case .notJSON(let reason, let offset): "the message is not JSON: \(reason), at byte \(offset)"
    case .notAnObject: "the message is not a JSON object"
    case .malformed(let reason): "the message is malformed: \(reason)"
    }
  }
}
