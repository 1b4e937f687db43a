// X.509 certificates: reading them and what they say. Verification and issuing are in files of their own.

import CCrypto
import Glibc

/// A certificate.
///
/// Unchecked: OpenSSL's X509 counts references atomically and guards its cached fields by a lock, and nothing here
/// changes a certificate once it is made (openssl-threads(7)).
public final class X509Certificate: @unchecked Sendable {
  let pointer: OpaquePointer

  init(takingOwnershipOf pointer: OpaquePointer) { self.pointer = pointer }

  deinit { X509_free(pointer) }

  /// Reads the first certificate of a PEM text.
  public convenience init(pem: some Collection<UInt8>) throws(CryptoError) {
    for block in try PEMBlock.all(in: pem) where block.isCertificate {
      try self.init(block)
      return
    }
    throw CryptoError(.malformed, "find a certificate in a PEM text")
  }

  /// Reads a certificate in DER, the whole of the bytes.
  public convenience init(der: [UInt8]) throws(CryptoError) {
    let (certificate, rest) = der.withUnsafeBufferPointer { buffer in
      var next = buffer.baseAddress
      let certificate = d2i_X509(nil, &next, buffer.count)
      return (certificate, buffer.count - (next.map { $0 - (buffer.baseAddress ?? $0) } ?? 0))
    }
    self.init(takingOwnershipOf: try require(certificate, "read a certificate", .malformed))
    guard rest == 0 else { throw CryptoError(.malformed, "read a certificate: \(rest) bytes follow it") }
  }

  convenience init(_ block: PEMBlock) throws(CryptoError) {
    if block.name == "TRUSTED CERTIFICATE" {
      // OpenSSL's own form: trust settings follow the certificate.
      let bio = try MemoryBIO(reading: block.text())
      let certificate = PEM_read_bio_X509_AUX(bio.pointer, nil, nil, nil)
      self.init(takingOwnershipOf: try require(certificate, "read a trusted certificate", .malformed))
    } else {
      try self.init(der: block.contents)
    }
  }

  /// The certificate in DER.
  public var der: [UInt8] {
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = i2d_X509(pointer, &buffer)
    defer { CRYPTO_free(buffer, nil, 0) }
    return length > 0 ? Array(UnsafeBufferPointer(start: buffer, count: Int(length))) : []
  }

  /// The certificate as PEM, newline at the end.
  public func pem() throws(CryptoError) -> String {
    let bio = try MemoryBIO()
    try require(PEM_write_bio_X509(bio.pointer, pointer), "write a certificate")
    return String(decoding: bio.readAll(), as: UTF8.self)
  }

  /// The first time at which the certificate is valid, in seconds since 1970.
  public var notBefore: Int64 { Self.unixSeconds(X509_get0_notBefore(pointer)) ?? .max }

  /// The last time at which the certificate is valid, in seconds since 1970.
  public var notAfter: Int64 { Self.unixSeconds(X509_get0_notAfter(pointer)) ?? .min }

  private static func unixSeconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return Int64(timegm(&parts))
  }

  /// The serial number as hexadecimal digits, upper case, as `openssl x509 -serial` prints it.
  public var serial: String {
    guard let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(pointer), nil) else { return "" }
    defer { BN_free(number) }
    guard let text = BN_bn2hex(number) else { return "" }
    defer { CRYPTO_free(text, nil, 0) }
    return String(cString: text)
  }

  /// The SHA-1 of the DER form, 20 bytes.
  public var sha1Fingerprint: [UInt8] { Digest.sha1(der) }

  /// Whether this is the private key of the certificate's public key.
  public func matches(_ key: PrivateKey) -> Bool {
    // Not X509_check_private_key: that leaves an entry on the error stack for a key that does not match.
    guard let own = X509_get0_pubkey(pointer) else {
      ERR_clear_error()
      return false
    }
    defer { ERR_clear_error() }
    return EVP_PKEY_eq(own, key.pointer) == 1
  }

  /// Whether the certificate may sign certificates: basic constraints with CA set, and key usage as that needs.
  public var isCA: Bool {
    // X509_check_ca also returns 3 to 5 for ancient forms without basic constraints; those are no CAs here.
    X509_check_ca(pointer) == 1
  }

  /// The certificate's key size in bits.
  public var publicKeyBitCount: Int { X509_get0_pubkey(pointer).map { Int(EVP_PKEY_get_bits($0)) } ?? 0 }
}

extension X509Certificate: Equatable {
  /// Equal when the DER forms are.
  public static func == (left: X509Certificate, right: X509Certificate) -> Bool {
    X509_cmp(left.pointer, right.pointer) == 0
  }
}
