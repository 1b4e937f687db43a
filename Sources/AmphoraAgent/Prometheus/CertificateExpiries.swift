// Until when certificates in files are valid, for the metrics.

import AmphoraCrypto
import Files

/// Dates of certificates.
enum CertificateExpiries {
  /// Until when the certificates in files are valid; those that cannot be read are left out.
  static func of(_ files: [(name: String, path: String)]) -> [(name: String, time: Int64)] {
    files.compactMap { file in
      guard let bytes = try? FileRead.bytes(file.path, limit: 1 << 20),
        let certificate = try? X509Certificate(pem: bytes)
      else { return nil }
      return (file.name, certificate.notAfter)
    }
  }
}
