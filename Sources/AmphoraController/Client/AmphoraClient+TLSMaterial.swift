// Files with TLS material of a load balancer: uploaded only when the agent does not have them (contract agent-api §4.3).

import AmphoraCrypto
public import AmphoraProtocol

extension AmphoraClient {
  /// `PUT …/certificates/{file}`: stores a file.
  public func putCertificate(
    _ contents: [UInt8], loadBalancer: LoadBalancerID, file: CertificateFileName
  ) async throws {
    _ = try await perform(.putCertificate(loadBalancer, file), body: .raw(contents))
  }

  /// `GET …/certificates/{file}`: the MD5 of the stored bytes in hexadecimal digits; nil when there is no such file.
  public func certificateDigest(loadBalancer: LoadBalancerID, file: CertificateFileName) async throws -> String? {
    try await unlessNotFound {
      try await decoded(CertificateDigestBody.self, .getCertificate(loadBalancer, file)).md5sum
    }
  }

  /// Stores a file unless the agent has these very bytes; true when it was sent.
  @discardableResult
  public func ensureCertificate(
    _ contents: [UInt8], loadBalancer: LoadBalancerID, file: CertificateFileName
  ) async throws -> Bool {
    let stored = try await certificateDigest(loadBalancer: loadBalancer, file: file)
    if stored == Digest.hex(Digest.md5(contents)) { return false }
    try await putCertificate(contents, loadBalancer: loadBalancer, file: file)
    return true
  }

  /// `DELETE …/certificates/{file}`: removes a file; one that is not there is fine.
  public func deleteCertificate(loadBalancer: LoadBalancerID, file: CertificateFileName) async throws {
    _ = try await unlessNotFound { try await perform(.deleteCertificate(loadBalancer, file)) }
  }
}
