// Routes 11 to 13: tenants' TLS material.

import AmphoraProtocol

extension AgentAPI {
  func certificate(_ id: LoadBalancerID, _ name: CertificateFileName) async throws -> APIResponse {
    guard let md5 = try await certificates.md5(name, of: id) else { throw CertificateNotFound(name: name) }
    return .json(200, CertificateDigestBody(md5sum: md5), eTag: md5)
  }

  func deleteCertificate(_ id: LoadBalancerID, _ name: CertificateFileName) async throws -> APIResponse {
    try await certificates.delete(name, of: id)
    return .ok(200)
  }
}

/// There is no such certificate file.
struct CertificateNotFound: Error {
  let name: CertificateFileName
}
