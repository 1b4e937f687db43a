// HMAC-SHA256 with one key for many messages: the key's share of the work is done once. OpenSSL's one-shot HMAC looks up
// the algorithm and sets up the key each time, which costs more than a small message itself.

import CCrypto

/// HMAC-SHA256 (RFC 2104) with a key that stays.
///
/// For one thread at a time.
public final class HMACSHA256 {
  /// The length of a digest in bytes.
  public static let byteCount = 32

  private let context: OpaquePointer

  /// Takes a key of any length, an empty one too; nil when OpenSSL has no HMAC or no memory.
  public init?(key: [UInt8]) {
    guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil) else { return nil }
    // The context holds its own reference.
    defer { EVP_MAC_free(algorithm) }
    guard let context = EVP_MAC_CTX_new(algorithm) else { return nil }
    self.context = context
    var digest = Array("SHA256".utf8CString)
    // An empty Swift array has no base address, and a null key would mean "the key set before".
    let keyOrDummy = key.isEmpty ? [0] : key
    let result = digest.withUnsafeMutableBufferPointer { name in
      let parameters = [
        OSSL_PARAM_construct_utf8_string("digest", name.baseAddress, 0), OSSL_PARAM_construct_end(),
      ]
      return EVP_MAC_init(context, keyOrDummy, key.count, parameters)
    }
    guard result == 1 else {
      EVP_MAC_CTX_free(context)
      return nil
    }
  }

  deinit { EVP_MAC_CTX_free(context) }

  /// Whether a digest, raw or in lower-case hexadecimal digits, is that of the data; compares in constant time.
  public func verifies(_ digest: UnsafeRawBufferPointer, of data: UnsafeRawBufferPointer) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: Self.byteCount, alignment: 1) { computed in
      guard compute(data, into: computed) else { return false }
      switch digest.count {
      case Self.byteCount: return CRYPTO_memcmp(computed.baseAddress, digest.baseAddress, Self.byteCount) == 0
      case 2 * Self.byteCount:
        return withUnsafeTemporaryAllocation(byteCount: 2 * Self.byteCount, alignment: 1) { digits in
          for index in 0..<Self.byteCount {
            digits[2 * index] = Self.digit(computed[index] >> 4)
            digits[2 * index + 1] = Self.digit(computed[index] & 15)
          }
          return CRYPTO_memcmp(digits.baseAddress, digest.baseAddress, 2 * Self.byteCount) == 0
        }
      default: return false
      }
    }
  }

  private func compute(_ data: UnsafeRawBufferPointer, into digest: UnsafeMutableRawBufferPointer) -> Bool {
    var length = 0
    return EVP_MAC_init(context, nil, 0, nil) == 1
      && EVP_MAC_update(context, data.bindMemory(to: UInt8.self).baseAddress, data.count) == 1
      && EVP_MAC_final(context, digest.bindMemory(to: UInt8.self).baseAddress, &length, digest.count) == 1
      && length == Self.byteCount
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
