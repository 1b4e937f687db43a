// Private keys: making, reading and writing them.

import CCrypto
import Glibc

/// A private key together with its public key.
///
/// Unchecked: OpenSSL's EVP_PKEY counts references atomically, and nothing here changes a key once it is made
/// (openssl-threads(7)).
public final class PrivateKey: @unchecked Sendable {
  let pointer: OpaquePointer

  init(takingOwnershipOf pointer: OpaquePointer) { self.pointer = pointer }

  deinit { EVP_PKEY_free(pointer) }

  /// Makes an RSA key with the public exponent 65537.
  public static func generateRSA(bits: Int = 2048) throws(CryptoError) -> PrivateKey {
    let context = try require(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil), "make an RSA key")
    defer { EVP_PKEY_CTX_free(context) }
    try require(EVP_PKEY_keygen_init(context), "make an RSA key")
    try require(EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(clamping: bits)), "make an RSA key of \(bits) bits")
    var key: OpaquePointer?
    try require(EVP_PKEY_generate(context, &key), "make an RSA key of \(bits) bits")
    return PrivateKey(takingOwnershipOf: try require(key, "make an RSA key"))
  }

  /// Reads the first private key of a PEM text: PKCS#1, SEC 1 (EC) or PKCS#8, encrypted or not.
  public convenience init(pem: some Collection<UInt8>, passphrase: String? = nil) throws(CryptoError) {
    for block in try PEMBlock.all(in: pem) where block.isPrivateKey {
      self.init(takingOwnershipOf: try Self.read(block, passphrase: passphrase))
      return
    }
    throw CryptoError(.malformed, "find a private key in a PEM text")
  }

  convenience init(_ block: PEMBlock, passphrase: String?) throws(CryptoError) {
    self.init(takingOwnershipOf: try Self.read(block, passphrase: passphrase))
  }

  private static func read(_ block: PEMBlock, passphrase: String?) throws(CryptoError) -> OpaquePointer {
    let bio = try MemoryBIO(reading: block.text())
    let key =
      if let passphrase {
        passphrase.withCString {
          PEM_read_bio_PrivateKey(bio.pointer, nil, passphraseCallback, UnsafeMutableRawPointer(mutating: $0))
        }
      } else {
        PEM_read_bio_PrivateKey(bio.pointer, nil, passphraseCallback, nil)
      }
    if let key { return key }
    let kind: CryptoError.Kind =
      !block.isEncrypted ? .malformed : passphrase == nil ? .passphraseMissing : .passphraseWrong
    throw CryptoError(kind, "read a private key")
  }

  /// How a key is written.
  public enum Format: Sendable {
    /// By algorithm, `BEGIN RSA PRIVATE KEY` (PKCS#1) or `BEGIN EC PRIVATE KEY` (SEC 1).
    case traditional
    /// `BEGIN PRIVATE KEY`, or `BEGIN ENCRYPTED PRIVATE KEY` with a passphrase.
    case pkcs8
  }

  /// The key as PEM; with a passphrase encrypted by AES-256-CBC.
  public func pem(_ format: Format, passphrase: String? = nil) throws(CryptoError) -> String {
    let bio = try MemoryBIO()
    let cipher = passphrase == nil ? nil : EVP_aes_256_cbc()
    // Never an empty passphrase: OpenSSL would take it for "ask the terminal".
    guard passphrase?.isEmpty != true else { throw CryptoError(.passphraseMissing, "write a private key") }
    let write = { (context: UnsafeMutableRawPointer?) in
      switch format {
      case .traditional:
        PEM_write_bio_PrivateKey_traditional(
          bio.pointer, self.pointer, cipher, nil, 0, passphraseCallback, context)
      case .pkcs8:
        PEM_write_bio_PKCS8PrivateKey(bio.pointer, self.pointer, cipher, nil, 0, passphraseCallback, context)
      }
    }
    let result = passphrase.map { $0.withCString { write(UnsafeMutableRawPointer(mutating: $0)) } } ?? write(nil)
    try require(result, "write a private key")
    return String(decoding: bio.readAll(), as: UTF8.self)
  }

  /// Whether both have the same public key.
  public func hasSamePublicKey(as other: PrivateKey) -> Bool { EVP_PKEY_eq(pointer, other.pointer) == 1 }

  /// The key's size in bits: of an RSA key its modulus.
  public var bitCount: Int { Int(EVP_PKEY_get_bits(pointer)) }

  /// Whether the key is an RSA key.
  public var isRSA: Bool { EVP_PKEY_get_base_id(pointer) == EVP_PKEY_RSA }
}

/// Hands OpenSSL the passphrase that `context` points to.
///
/// Without one it refuses: OpenSSL's own callback would ask on the terminal.
private func passphraseCallback(
  buffer: UnsafeMutablePointer<CChar>?, size: Int32, isWriting: Int32, context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let buffer, let context else { return -1 }
  let passphrase = context.assumingMemoryBound(to: CChar.self)
  let length = strlen(passphrase)
  guard length <= Int(size) else { return -1 }
  memcpy(buffer, passphrase, length)
  return Int32(length)
}
