// Making certificates (contract heartbeat-and-config §5.2).

import CCrypto
import Glibc

/// A digest to sign certificates with, by the name of Octavia's `signing_digest`.
public enum SigningDigest: String, Sendable, CaseIterable {
  case sha224
  case sha256
  case sha384
  case sha512

  fileprivate var algorithm: OpaquePointer? {
    switch self {
    case .sha224: EVP_sha224()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    }
  }
}

/// What shall stand in a certificate.
public struct CertificateProfile: Sendable {
  /// A bit of the key usage extension, by OpenSSL's name.
  public enum KeyUsage: String, Sendable {
    case digitalSignature, keyEncipherment, dataEncipherment, keyAgreement, keyCertSign, cRLSign
  }

  /// A purpose of the extended key usage extension, by OpenSSL's name.
  public enum ExtendedKeyUsage: String, Sendable {
    case serverAuth, clientAuth
  }

  /// The subject's only attribute.
  public var commonName: String
  /// The DNS names of the subject alternative name; none leaves the extension out.
  public var dnsNames: [String] = []
  /// Whether the certificate may sign certificates.
  public var isCA = false
  /// The key usage; empty leaves the extension out.
  ///
  /// Written as critical.
  public var keyUsage: [KeyUsage] = []
  /// The extended key usage; empty leaves the extension out.
  ///
  /// Written as critical.
  public var extendedKeyUsage: [ExtendedKeyUsage] = []
  /// The serial number, a big-endian positive integer of at most 20 bytes (RFC 5280 §4.1.2.2).
  public var serial: [UInt8]
  /// The first second of validity since 1970.
  public var notBefore: Int64
  /// The last second of validity since 1970.
  public var notAfter: Int64

  /// Makes a profile without names and extensions.
  public init(commonName: String, serial: [UInt8], notBefore: Int64, notAfter: Int64) {
    self.commonName = commonName
    self.serial = serial
    self.notBefore = notBefore
    self.notAfter = notAfter
  }
}

extension X509Certificate {
  /// Makes a certificate for a key.
  ///
  /// - Parameters:
  ///   - profile: what stands in it.
  ///   - key: the key whose public half is certified.
  ///   - issuer: the issuing CA; nil for a self-signed certificate.
  ///   - issuerKey: the key that signs: the CA's, or `key` itself.
  ///   - digest: the digest of the signature.
  public static func issue(
    _ profile: CertificateProfile, for key: PrivateKey, issuer: X509Certificate?, issuerKey: PrivateKey,
    digest: SigningDigest = .sha256
  ) throws(CryptoError) -> X509Certificate {
    let certificate = X509Certificate(takingOwnershipOf: try require(X509_new(), "make a certificate"))
    let pointer = certificate.pointer
    // Version numbers start at 0: this is version 3.
    try require(X509_set_version(pointer, 2), "set a certificate's version")
    try setSerial(profile.serial, of: pointer)
    try setTimes(profile, of: pointer)
    let subject = X509_get_subject_name(pointer)
    let name = Array(profile.commonName.utf8)
    try require(
      X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, name, Int32(name.count), -1, 0),
      "set the common name '\(profile.commonName)'")
    let issuerName = issuer.map { X509_get_subject_name($0.pointer) } ?? subject
    try require(X509_set_issuer_name(pointer, issuerName), "set a certificate's issuer")
    try require(X509_set_pubkey(pointer, key.pointer), "set a certificate's public key")
    try addExtensions(profile, to: certificate, issuer: issuer ?? certificate)
    guard X509_sign(pointer, issuerKey.pointer, digest.algorithm) > 0 else {
      throw CryptoError(.failed, "sign a certificate")
    }
    return certificate
  }

  private static func setSerial(_ serial: [UInt8], of certificate: OpaquePointer) throws(CryptoError) {
    let number = try require(BN_bin2bn(serial, Int32(serial.count), nil), "set a serial number")
    defer { BN_free(number) }
    guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil else {
      throw CryptoError(.failed, "set a serial number")
    }
  }

  private static func setTimes(_ profile: CertificateProfile, of certificate: OpaquePointer) throws(CryptoError) {
    for (seconds, set) in [(profile.notBefore, X509_set1_notBefore), (profile.notAfter, X509_set1_notAfter)] {
      let time = ASN1_TIME_set(nil, time_t(seconds))
      defer { ASN1_STRING_free(time) }
      guard time != nil, set(certificate, time) == 1 else { throw CryptoError(.failed, "set a certificate's validity") }
    }
  }

  private static func addExtensions(
    _ profile: CertificateProfile, to certificate: X509Certificate, issuer: X509Certificate
  ) throws(CryptoError) {
    try certificate.addExtension(NID_basic_constraints, "critical,CA:\(profile.isCA ? "TRUE" : "FALSE")")
    if !profile.dnsNames.isEmpty { try certificate.addDNSNames(profile.dnsNames) }
    // These values are made of enumeration names only; free text would be a way to inject configuration.
    if !profile.keyUsage.isEmpty {
      try certificate.addExtension(NID_key_usage, "critical," + profile.keyUsage.map(\.rawValue).joined(separator: ","))
    }
    if !profile.extendedKeyUsage.isEmpty {
      try certificate.addExtension(
        NID_ext_key_usage, "critical," + profile.extendedKeyUsage.map(\.rawValue).joined(separator: ","))
    }
    try certificate.addExtension(NID_subject_key_identifier, "hash")
    try certificate.addAuthorityKeyIdentifier(of: issuer)
  }

  private func addExtension(_ nid: Int32, _ value: String) throws(CryptoError) {
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, pointer, pointer, nil, nil, 0)
    let made = X509V3_EXT_conf_nid(nil, &context, nid, value)
    let ext = try require(made, "make the extension '\(value)'")
    defer { X509_EXTENSION_free(ext) }
    try require(X509_add_ext(pointer, ext, -1), "add the extension '\(value)'")
  }

  private func addDNSNames(_ names: [String]) throws(CryptoError) {
    let list = try require(OPENSSL_sk_new_null(), "make a list of names")
    // Frees the names in it as well.
    defer { GENERAL_NAMES_free(list) }
    for name in names {
      let bytes = Array(name.utf8)
      guard let entry = GENERAL_NAME_new(), let text = ASN1_STRING_type_new(V_ASN1_IA5STRING) else {
        throw CryptoError(.failed, "make a DNS name")
      }
      GENERAL_NAME_set0_value(entry, GEN_DNS, text)
      guard ASN1_STRING_set(text, bytes, Int32(bytes.count)) == 1, OPENSSL_sk_push(list, entry) > 0 else {
        GENERAL_NAME_free(entry)
        throw CryptoError(.failed, "make the DNS name '\(name)'")
      }
    }
    try require(
      X509_add1_ext_i2d(pointer, NID_subject_alt_name, UnsafeMutableRawPointer(list), 0, 0), "add the DNS names")
  }

  /// Names the issuer's key: by its subject key identifier, or by the SHA-1 of its public key where it has none.
  private func addAuthorityKeyIdentifier(of issuer: X509Certificate) throws(CryptoError) {
    guard let identifier = AUTHORITY_KEYID_new() else { throw CryptoError(.failed, "make a key identifier") }
    defer { AUTHORITY_KEYID_free(identifier) }
    if let own = X509_get_ext_d2i(issuer.pointer, NID_subject_key_identifier, nil, nil) {
      identifier.pointee.keyid = own.assumingMemoryBound(to: ASN1_OCTET_STRING.self)
    } else {
      var digest = [UInt8](repeating: 0, count: 20)
      var length: UInt32 = 0
      try require(X509_pubkey_digest(issuer.pointer, EVP_sha1(), &digest, &length), "digest the issuer's key")
      identifier.pointee.keyid = ASN1_STRING_type_new(V_ASN1_OCTET_STRING)
      try require(ASN1_STRING_set(identifier.pointee.keyid, digest, Int32(length)), "make a key identifier")
    }
    try require(
      X509_add1_ext_i2d(pointer, NID_authority_key_identifier, identifier, 0, 0), "add the authority key identifier")
  }
}
