// Whether a certificate comes from a CA.

import CCrypto
import Glibc

/// Why a certificate does not verify: OpenSSL's code (X509_V_ERR_…) and its text.
public struct CertificateVerificationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The code, an `X509_V_ERR_…`.
  public let code: Int
  /// OpenSSL's text.
  public let reason: String

  /// The error in words.
  public var description: String { "the certificate does not verify: \(reason)" }
}

extension X509Certificate {
  /// What a certificate is used for.
  public enum Purpose: Sendable {
    case server
    case client
  }

  /// Builds a chain to one of the CAs and checks signatures, usage and validity, as `openssl verify` does.
  ///
  /// - Parameters:
  ///   - authorities: the trusted certificates.
  ///   - intermediates: further certificates for the chain.
  ///   - purpose: which side of TLS the certificate is for.
  ///   - now: the time to check validity at, in seconds since 1970.
  public func verify(
    authorities: [X509Certificate], intermediates: [X509Certificate] = [], purpose: Purpose, now: Int64
  ) throws {
    let store = try require(X509_STORE_new(), "make a certificate store")
    defer { X509_STORE_free(store) }
    for authority in authorities {
      try require(X509_STORE_add_cert(store, authority.pointer), "add a CA to a certificate store")
    }
    let chain = try require(OPENSSL_sk_new_null(), "make a list of certificates")
    // The list does not own its certificates.
    defer { OPENSSL_sk_free(chain) }
    for certificate in intermediates {
      guard OPENSSL_sk_push(chain, UnsafeRawPointer(certificate.pointer)) > 0 else {
        throw CryptoError(.failed, "make a list of certificates")
      }
    }
    let context = try require(X509_STORE_CTX_new(), "verify a certificate")
    defer { X509_STORE_CTX_free(context) }
    try require(X509_STORE_CTX_init(context, store, pointer, chain), "verify a certificate")
    X509_STORE_CTX_set_purpose(context, purpose == .server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT)
    X509_STORE_CTX_set_time(context, 0, time_t(now))
    guard X509_verify_cert(context) != 1 else { return }
    let code = X509_STORE_CTX_get_error(context)
    ERR_clear_error()
    throw CertificateVerificationError(
      code: Int(code), reason: String(cString: X509_verify_cert_error_string(Int(code))))
  }
}
