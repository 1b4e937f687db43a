// The two CAs of a cloud (contract heartbeat-and-config §5.1): the server CA signs what amphorae show, the client CA what
// controllers show. They are two values of one type and must not be one CA: amphora certificates carry client usage too.

public import AmphoraCrypto
public import AmphoraProtocol
import Glibc

/// A certificate with its key as it is written to a file: certificate PEM, then the unencrypted key (PKCS#1).
public struct IssuedCertificate: Sendable {
  /// The text of the file, `server.pem` or `client.pem`.
  public let pem: String
  /// The last second of validity since 1970; controllers store it to know when to rotate.
  public let notAfter: Int64
  /// The serial number in hexadecimal digits.
  public let serial: String
  /// The certificate alone.
  public let certificate: X509Certificate
}

/// A CA that issues certificates for amphorae or for controllers.
public struct CertificateAuthority: Sendable {
  /// How far back certificates begin to be valid, in seconds: a fresh amphora's clock may be behind the controller's
  /// (contract heartbeat-and-config §7 row 23).
  static let backDating: Int64 = 300
  /// The validity of issued certificates: 30 days, Octavia's `cert_validity_time`.
  public static let defaultValidity: Duration = .seconds(2_592_000)
  /// Octavia's keys have 2048 bits (contract heartbeat-and-config §5.2).
  static let keyBits = 2048

  let certificate: X509Certificate
  private let key: PrivateKey
  private let digest: SigningDigest
  private let unixTime: @Sendable () -> Int64
  private let serial: @Sendable () -> [UInt8]

  init(
    certificate: X509Certificate, key: PrivateKey, digest: SigningDigest, unixTime: @escaping @Sendable () -> Int64,
    serial: @escaping @Sendable () -> [UInt8]
  ) {
    self.certificate = certificate
    self.key = key
    self.digest = digest
    self.unixTime = unixTime
    self.serial = serial
  }

  /// Makes a new self-signed CA; takes a tenth of a second for the key.
  ///
  /// - Parameters:
  ///   - name: the common name.
  ///   - validity: how long the CA lasts; 10 years unless told.
  ///   - digest: the digest of signatures.
  ///   - unixTime: the clock, seconds since 1970.
  ///   - serial: makes serial numbers, 16 bytes each.
  public static func create(
    name: String, validity: Duration = .seconds(315_360_000), digest: SigningDigest = .sha256,
    unixTime: @escaping @Sendable () -> Int64 = { systemUnixTime() },
    serial: @escaping @Sendable () -> [UInt8] = { randomUUIDv4() }
  ) throws(CertificateAuthorityError) -> CertificateAuthority {
    do throws(CryptoError) {
      let key = try PrivateKey.generateRSA(bits: keyBits)
      let now = unixTime()
      var profile = CertificateProfile(
        commonName: name, serial: serial(), notBefore: now - backDating, notAfter: now + validity.components.seconds)
      profile.isCA = true
      profile.keyUsage = [.digitalSignature, .keyCertSign, .cRLSign]
      let certificate = try X509Certificate.issue(profile, for: key, issuer: nil, issuerKey: key, digest: digest)
      return CertificateAuthority(
        certificate: certificate, key: key, digest: digest, unixTime: unixTime, serial: serial)
    } catch {
      throw .issuing(error)
    }
  }

  /// Reads a CA from its files, as Octavia's `[certificates] ca_certificate` and `ca_private_key` name them.
  ///
  /// - Parameters:
  ///   - certificatePath: a PEM file; its first certificate is the CA's.
  ///   - keyPath: a PEM file with the CA's key; may be the same file.
  ///   - passphrase: of the key, when it is encrypted.
  ///   - digest: the digest of signatures.
  ///   - unixTime: the clock, seconds since 1970.
  ///   - serial: makes serial numbers, 16 bytes each.
  public static func load(
    certificatePath: String, keyPath: String, passphrase: String? = nil, digest: SigningDigest = .sha256,
    unixTime: @escaping @Sendable () -> Int64 = { systemUnixTime() },
    serial: @escaping @Sendable () -> [UInt8] = { randomUUIDv4() }
  ) throws(CertificateAuthorityError) -> CertificateAuthority {
    let certificate: X509Certificate
    let key: PrivateKey
    let certificateText = try fileErrors { () throws(SecretFileError) in try SecretFile.read(certificatePath) }
    do { certificate = try X509Certificate(pem: certificateText) } catch {
      throw .unusable(path: certificatePath, error)
    }
    key = try loadKey(keyPath, passphrase: passphrase)
    guard certificate.matches(key) else { throw .keyMismatch(certificatePath: certificatePath, keyPath: keyPath) }
    guard certificate.isCA else { throw .notAnAuthority(path: certificatePath, subject: certificate.subject) }
    return CertificateAuthority(certificate: certificate, key: key, digest: digest, unixTime: unixTime, serial: serial)
  }

  /// Reads a CA's key: PKCS#8 or traditional PEM, encrypted or not.
  static func loadKey(_ path: String, passphrase: String?) throws(CertificateAuthorityError) -> PrivateKey {
    let text = try fileErrors { () throws(SecretFileError) in try SecretFile.read(path) }
    do { return try PrivateKey(pem: text, passphrase: passphrase) } catch { throw .unusable(path: path, error) }
  }

  /// The key as PKCS#8, encrypted when there is a passphrase.
  func keyPEM(passphrase: String?) throws(CertificateAuthorityError) -> String {
    do { return try key.pem(.pkcs8, passphrase: passphrase) } catch { throw .issuing(error) }
  }

  /// Writes the CA's files, both with mode 0600; the key as PKCS#8, encrypted when there is a passphrase.
  ///
  /// The key comes first: a crash between the two leaves a CA that `load` refuses, never one without its key.
  public func store(
    certificatePath: String, keyPath: String, passphrase: String? = nil
  ) throws(CertificateAuthorityError) {
    let keyText = try keyPEM(passphrase: passphrase)
    let certificateText = try certificatePEM()
    try fileErrors { () throws(SecretFileError) in try SecretFile.write(keyText, to: keyPath) }
    try fileErrors { () throws(SecretFileError) in try SecretFile.write(certificateText, to: certificatePath) }
  }

  /// The CA's certificate: what the other side trusts, `server_ca.pem` or `client_ca.pem`.
  public func certificatePEM() throws(CertificateAuthorityError) -> String {
    do { return try certificate.pem() } catch { throw .issuing(error) }
  }

  /// The CA's subject in RFC 2253 form.
  public var subject: String { certificate.subject }

  /// The last second of the CA's validity since 1970.
  public var notAfter: Int64 { certificate.notAfter }

  /// Makes key and certificate of an amphora (contract heartbeat-and-config §5.2): the content of its `server.pem`.
  ///
  /// Takes a tenth of a second for the key.
  public func issueAmphoraCertificate(
    id: AmphoraID, validity: Duration = defaultValidity
  ) throws(CertificateAuthorityError) -> IssuedCertificate {
    var profile = profile(commonName: id.text, validity: validity)
    profile.dnsNames = [id.text]
    profile.keyUsage = [.digitalSignature, .keyEncipherment, .dataEncipherment, .keyAgreement]
    profile.extendedKeyUsage = [.serverAuth, .clientAuth]
    return try issue(profile)
  }

  /// Makes key and certificate of a controller: the content of its `client.pem`.
  ///
  /// Takes a tenth of a second for the key.
  public func issueControllerCertificate(
    name: String, validity: Duration = defaultValidity
  ) throws(CertificateAuthorityError) -> IssuedCertificate {
    var profile = profile(commonName: name, validity: validity)
    profile.keyUsage = [.digitalSignature, .keyEncipherment]
    profile.extendedKeyUsage = [.clientAuth]
    return try issue(profile)
  }

  private func profile(commonName: String, validity: Duration) -> CertificateProfile {
    let now = unixTime()
    return CertificateProfile(
      commonName: commonName, serial: serial(), notBefore: now - Self.backDating,
      notAfter: now + validity.components.seconds)
  }

  private func issue(_ profile: CertificateProfile) throws(CertificateAuthorityError) -> IssuedCertificate {
    guard certificate.notAfter >= unixTime() else {
      throw .expired(subject: certificate.subject, notAfter: certificate.notAfter)
    }
    do throws(CryptoError) {
      let leafKey = try PrivateKey.generateRSA(bits: Self.keyBits)
      let leaf = try X509Certificate.issue(
        profile, for: leafKey, issuer: certificate, issuerKey: key, digest: digest)
      return IssuedCertificate(
        pem: try leaf.pem() + leafKey.pem(.traditional), notAfter: leaf.notAfter, serial: leaf.serial,
        certificate: leaf)
    } catch {
      throw .issuing(error)
    }
  }
}

extension CertificateAuthority {
  /// The system's clock: seconds since 1970.
  public static func systemUnixTime() -> Int64 { Int64(time(nil)) }

  /// A random UUID of version 4 (RFC 9562 §5.4) as 16 bytes.
  public static func randomUUIDv4() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    bytes[6] = bytes[6] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    return bytes
  }
}

func fileErrors<Value>(
  _ body: () throws(SecretFileError) -> Value
) throws(CertificateAuthorityError) -> Value {
  do { return try body() } catch { throw .file(error) }
}
