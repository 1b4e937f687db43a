// One-shot digests and HMAC from OpenSSL's libcrypto. MD5 and SHA-1 are here because the protocol names things with
// them (ETags, peer names, file ids); nothing relies on them for secrecy.

import CCrypto

/// Digests over bytes that are already in memory.
public enum Digest {
  /// MD5, 16 bytes: the ETag of uploads (contract agent-api §1.1).
  public static func md5(_ data: some Sequence<UInt8>) -> [UInt8] { run(EVP_md5(), data) }

  /// SHA-1, 20 bytes: peer names and certificate file ids.
  public static func sha1(_ data: some Sequence<UInt8>) -> [UInt8] { run(EVP_sha1(), data) }

  /// SHA-256, 32 bytes.
  public static func sha256(_ data: some Sequence<UInt8>) -> [UInt8] { run(EVP_sha256(), data) }

  /// HMAC-SHA256 (RFC 2104), 32 bytes.
  ///
  /// Any key length is taken, the empty key too.
  public static func hmacSHA256(key: some Sequence<UInt8>, _ data: some Sequence<UInt8>) -> [UInt8] {
    let key = Array(key)
    let data = Array(data)
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    // An empty Swift array has no base address, and HMAC reads a null key as "the key set before".
    let keyOrDummy = key.isEmpty ? [0] : key
    HMAC(EVP_sha256(), keyOrDummy, Int32(key.count), data, data.count, &digest, &length)
    return digest
  }

  /// Lower-case hexadecimal digits.
  public static func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Compares without revealing through its timing where two digests differ.
  public static func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
  }

  private static func run(_ algorithm: OpaquePointer?, _ data: some Sequence<UInt8>) -> [UInt8] {
    let data = Array(data)
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    // EVP_Digest fails only without memory or where a FIPS policy forbids the algorithm; an empty result then makes
    // every comparison fail instead of passing by accident.
    guard EVP_Digest(data, data.count, &digest, &length, algorithm, nil) == 1 else { return [] }
    return Array(digest.prefix(Int(length)))
  }
}
