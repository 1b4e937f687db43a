// The datagram around a heartbeat: zlib stream, then HMAC-SHA256 over the stream in lower-case hexadecimal digits (contract
// heartbeat-and-config §2.7, §3.2). Nothing is inflated before its digest has been verified.

import AmphoraCrypto

/// The key shared by amphorae and health managers.
///
/// Its text is never printed.
public struct HeartbeatKey: Hashable, Sendable, CustomStringConvertible {
  let bytes: [UInt8]

  /// Makes a key from the configured text; the HMAC key is its UTF-8 bytes.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// A placeholder, so that no log line carries the key.
  public var description: String { "<heartbeat key>" }
}

/// Sealing and opening of heartbeat datagrams.
public enum HeartbeatEnvelope {
  /// The longest datagram that receivers read, in bytes.
  public static let maximumDatagramBytes = 65536
  /// The largest UDP payload over IPv4, in bytes: 65535 less 20 bytes IP and 8 bytes UDP header.
  public static let maximumPayloadIPv4 = 65507
  /// The largest UDP payload over IPv6, in bytes: 65535 less 8 bytes UDP header.
  public static let maximumPayloadIPv6 = 65527
  /// The default bound of an inflated message: 4 MiB (contract heartbeat-and-config §3.2).
  public static let defaultMaximumInflatedBytes = 4 << 20

  /// The length of the digest behind the stream: 32 bytes as hexadecimal digits.
  package static let digestBytes = 64

  /// How hard to compress.
  public enum Effort: Sendable {
    /// zlib's default level 6.
    case standard
    /// Level 9, as upstream's agent does.
    case best
  }

  /// Compresses a payload and signs it.
  public static func seal(
    _ payload: [UInt8], key: HeartbeatKey, effort: Effort = .standard
  ) throws(ZlibFailure) -> [UInt8] {
    var datagram = try Zlib.deflate(payload, level: effort == .best ? 9 : 6, extraCapacity: digestBytes)
    let digest = Digest.hmacSHA256(key: key.bytes, datagram)
    datagram.append(contentsOf: Digest.hex(digest).utf8)
    return datagram
  }

  /// Compresses a message and signs it.
  public static func seal(
    _ message: HeartbeatMessage, key: HeartbeatKey, effort: Effort = .standard
  ) throws(ZlibFailure) -> [UInt8] {
    try seal(message.encoded(), key: key, effort: effort)
  }

  /// Verifies a datagram with each of the keys, in both digest forms, then inflates it.
  ///
  /// Bytes after the end of the zlib stream are ignored when the digest covers them.
  ///
  /// - Parameters:
  ///   - datagram: the bytes as received.
  ///   - keys: the keys to try, the current one first.
  ///   - maximumInflatedBytes: where inflating stops.
  /// - Returns: the inflated text, not yet judged.
  public static func open(
    _ datagram: [UInt8], keys: [HeartbeatKey], maximumInflatedBytes: Int = defaultMaximumInflatedBytes
  ) throws(HeartbeatRejection) -> [UInt8] {
    let opener = try HeartbeatOpener(keys: keys, maximumInflatedBytes: maximumInflatedBytes)
    return try datagram.withUnsafeBytes { bytes in
      Result { () throws(HeartbeatRejection) in try opener.text(in: bytes) }
    }.get()
  }

  /// As ``open(_:keys:maximumInflatedBytes:)``, and reads the message.
  public static func openMessage(
    _ datagram: [UInt8], keys: [HeartbeatKey], maximumInflatedBytes: Int = defaultMaximumInflatedBytes
  ) throws(HeartbeatRejection) -> HeartbeatMessage {
    try HeartbeatMessage(json: open(datagram, keys: keys, maximumInflatedBytes: maximumInflatedBytes))
  }
}
