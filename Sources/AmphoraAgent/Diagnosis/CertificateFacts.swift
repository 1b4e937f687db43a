// Until when certificates are valid. Keys in the same files are not looked at.

import AmphoraCrypto
import AmphoraProtocol
import Files

/// A certificate file.
package struct CertificateFacts: Codable, Hashable, Sendable {
  /// What it is for: `agent`, `client CA`, or the load balancer's id.
  package var owner: String
  package var file: String
  package var subject: String?
  /// In seconds since 1970.
  package var notAfter: Int64?
  /// Whole days from now; below 0 when it has expired.
  package var daysLeft: Int?
  /// Why the file says nothing.
  package var problem: String?

  static func gather(_ amphora: LocalAmphora, now: Int64 = UnixTime.now) -> [CertificateFacts] {
    var found: [CertificateFacts] = []
    if case .success(let configuration) = amphora.configuration {
      found.append(read(configuration.agentServerCert, owner: "agent", now: now))
      found.append(read(configuration.agentServerCA, owner: "client CA", now: now))
    }
    let paths = amphora.paths
    for id in FileRead.names(in: paths.certificates).compactMap({ LoadBalancerID($0) }) {
      let folder = paths.certificateDirectory(of: id)
      for name in FileRead.names(in: folder) where name.hasSuffix(".pem") && !name.hasPrefix(".") {
        let facts = read("\(folder)/\(name)", owner: id.text, now: now)
        // Revocation lists are PEM too.
        if facts.problem == nil { found.append(facts) }
      }
    }
    return found
  }

  /// The first certificate of a file: the one that is shown to the other side.
  static func read(_ path: String, owner: String, now: Int64) -> CertificateFacts {
    do {
      let certificate = try X509Certificate(pem: FileRead.bytes(path, limit: 1 << 20))
      let left = certificate.notAfter.subtractingReportingOverflow(now)
      return CertificateFacts(
        owner: owner, file: path, subject: certificate.commonName ?? certificate.subject,
        notAfter: certificate.notAfter,
        daysLeft: left.overflow ? nil : Int((Double(left.partialValue) / 86_400).rounded(.down)))
    } catch {
      return CertificateFacts(owner: owner, file: path, problem: "\(error)")
    }
  }
}
