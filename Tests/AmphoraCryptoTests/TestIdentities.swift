// A CA and a leaf made once per test run; making RSA keys is the slow part.

import AmphoraCrypto
import Testing

/// 2026-01-01 00:00:00 UTC in seconds since 1970.
let testNow: Int64 = 1_767_225_600

struct TestIdentities: Sendable {
  static let shared = Result { try TestIdentities() }

  let caKey: PrivateKey
  let ca: X509Certificate
  let leafKey: PrivateKey
  let leaf: X509Certificate
  let otherKey: PrivateKey

  static let amphoraID = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"

  init() throws {
    caKey = try PrivateKey.generateRSA()
    leafKey = try PrivateKey.generateRSA()
    otherKey = try PrivateKey.generateRSA()
    var profile = CertificateProfile(
      commonName: "test CA", serial: [1], notBefore: testNow - 1000, notAfter: testNow + 4_000_000)
    profile.isCA = true
    profile.keyUsage = [.keyCertSign, .cRLSign]
    ca = try X509Certificate.issue(profile, for: caKey, issuer: nil, issuerKey: caKey)
    leaf = try X509Certificate.issue(Self.leafProfile(), for: leafKey, issuer: ca, issuerKey: caKey)
  }

  static func leafProfile() -> CertificateProfile {
    var profile = CertificateProfile(
      commonName: amphoraID, serial: [0xFE] + [UInt8](repeating: 7, count: 15), notBefore: testNow - 300,
      notAfter: testNow + 2_592_000)
    profile.dnsNames = [amphoraID]
    profile.keyUsage = [.digitalSignature, .keyEncipherment, .dataEncipherment, .keyAgreement]
    profile.extendedKeyUsage = [.serverAuth, .clientAuth]
    return profile
  }
}
