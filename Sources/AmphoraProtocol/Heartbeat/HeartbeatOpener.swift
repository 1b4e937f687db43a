// Opening many datagrams, one after the other: keys, the inflating stream and its output buffer are set up once. A receiver
// of 50,000 heartbeats a second has 20 µs for each.

import AmphoraCrypto

/// Verifies, inflates and reads heartbeat datagrams (contract heartbeat-and-config §3.2).
///
/// For one thread at a time.
public final class HeartbeatOpener {
  private static let hexDigestBytes = 64
  private static let rawDigestBytes = 32

  private let authenticators: [HMACSHA256]
  private let inflater: Inflater
  private let maximumInflatedBytes: Int

  /// Makes an opener.
  ///
  /// - Parameters:
  ///   - keys: the keys to try, the current one first.
  ///   - maximumInflatedBytes: where inflating stops.
  public init(
    keys: [HeartbeatKey], maximumInflatedBytes: Int = HeartbeatEnvelope.defaultMaximumInflatedBytes
  ) throws(HeartbeatRejection) {
    authenticators = keys.compactMap { HMACSHA256(key: $0.bytes) }
    inflater = try Inflater()
    self.maximumInflatedBytes = maximumInflatedBytes
  }

  /// Verifies a datagram with each of the keys, in both digest forms, then inflates and reads it.
  ///
  /// Bytes after the end of the zlib stream are ignored when the digest covers them.
  public func message(in datagram: UnsafeRawBufferPointer) throws(HeartbeatRejection) -> HeartbeatMessage {
    try HeartbeatMessage(json: text(in: datagram))
  }

  /// As ``message(in:)``, but returns the inflated text, not yet judged.
  public func text(in datagram: UnsafeRawBufferPointer) throws(HeartbeatRejection) -> [UInt8] {
    guard datagram.count <= HeartbeatEnvelope.maximumDatagramBytes else { throw .tooLong(bytes: datagram.count) }
    guard datagram.count >= Self.rawDigestBytes else { throw .tooShort(bytes: datagram.count) }
    for authenticator in authenticators {
      guard let payload = verified(datagram, by: authenticator) else { continue }
      return try inflater.inflate(payload, maximumBytes: maximumInflatedBytes)
    }
    throw .digestMismatch
  }

  /// The payload, when the digest behind it is right in one of the two forms.
  ///
  /// The old form is not tried again when the text form verified but its content is bad: both digests cannot be right for
  /// one datagram, since the one would have to be spelled inside the other.
  private func verified(
    _ datagram: UnsafeRawBufferPointer, by authenticator: HMACSHA256
  ) -> UnsafeRawBufferPointer? {
    for digestBytes in [Self.hexDigestBytes, Self.rawDigestBytes] where datagram.count >= digestBytes {
      let payload = UnsafeRawBufferPointer(rebasing: datagram.dropLast(digestBytes))
      let digest = UnsafeRawBufferPointer(rebasing: datagram.suffix(digestBytes))
      if authenticator.verifies(digest, of: payload) { return payload }
    }
    return nil
  }
}
