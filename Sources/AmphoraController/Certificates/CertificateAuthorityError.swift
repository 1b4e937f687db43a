// Why a CA, or a folder with one, cannot be used.

public import AmphoraCrypto

/// Why a CA cannot be used.
public enum CertificateAuthorityError: Error, Hashable, Sendable {
  /// A file cannot be read or written.
  case file(SecretFileError)
  /// A file does not hold what it should, or the passphrase does not fit.
  case unusable(path: String, CryptoError)
  /// The private key is not the certificate's.
  case keyMismatch(certificatePath: String, keyPath: String)
  /// The certificate may not sign certificates.
  case notAnAuthority(path: String, subject: String)
  /// The CA's own certificate has expired; seconds since 1970.
  case expired(subject: String, notAfter: Int64)
  /// A file should hold certificates and does not.
  case noCertificates(path: String, PEMBundleError)
  /// There is a CA already, and a new one would make everything worthless that it signed.
  case exists(path: String)
  /// A rollover is not where this step begins.
  case wrongPhase(path: String, AuthorityFolder.Phase, wanted: String)
  /// OpenSSL could not make a key or a certificate.
  case issuing(CryptoError)
}

extension CertificateAuthorityError: CustomStringConvertible {
  /// The error in words.
  public var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .unusable(let path, let error): "\(path): \(error)"
    case .keyMismatch(let certificatePath, let keyPath):
      "the private key in \(keyPath) does not belong to the certificate in \(certificatePath)"
    case .notAnAuthority(let path, let subject):
      "the certificate in \(path) (\(subject)) may not sign certificates: basic constraints without CA"
    case .expired(let subject, let notAfter): "the CA \(subject) expired at \(notAfter) (seconds since 1970)"
    case .noCertificates(let path, let error): "\(path): \(error)"
    case .exists(let path): "\(path) exists: there is a CA already"
    case .wrongPhase(let path, let phase, let wanted):
      "\(path): \(wanted) is not possible, the rollover's phase is \(phase.rawValue)"
    case .issuing(let error): "\(error)"
    }
  }
}
