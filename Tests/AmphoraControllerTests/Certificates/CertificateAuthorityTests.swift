import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import Foundation
import Testing

/// 2026-01-01 00:00:00 UTC in seconds since 1970.
private let now: Int64 = 1_767_225_600
private let amphoraText = "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8"

@Suite(.enabled(if: CertificateFolder.hasOpenSSL, "/usr/bin/openssl is not installed"))
struct CertificateAuthorityTests {
  static let shared = Result {
    try CertificateAuthority.create(name: "server CA", unixTime: { now })
  }

  let folder: CertificateFolder
  let authority: CertificateAuthority
  let amphora: AmphoraID

  init() throws {
    folder = try CertificateFolder()
    authority = try Self.shared.get()
    amphora = try #require(AmphoraID(amphoraText))
  }

  @Test func `an amphora's certificate has the profile of the contract`() throws {
    let issued = try authority.issueAmphoraCertificate(id: amphora)
    try folder.write(issued.pem, "server.pem")
    let text = try folder.openssl("x509", "-in", "server.pem", "-noout", "-text")
    for expected in [
      "Version: 3 (0x2)", "Signature Algorithm: sha256WithRSAEncryption", "Issuer: CN = server CA",
      "Not Before: Dec 31 23:55:00 2025 GMT", "Not After : Jan 31 00:00:00 2026 GMT", "Subject: CN = \(amphoraText)\n",
      "Public-Key: (2048 bit)", "Exponent: 65537", "X509v3 Basic Constraints: critical\n                CA:FALSE",
      "X509v3 Subject Alternative Name: \n                DNS:\(amphoraText)\n",
      "X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment, Data Encipherment, Key Agreement\n",
      "X509v3 Extended Key Usage: critical\n                TLS Web Server Authentication, TLS Web Client Authentication\n",
      "X509v3 Subject Key Identifier: \n", "X509v3 Authority Key Identifier: \n",
    ] {
      #expect(text.contains(expected), "\(expected)")
    }
    #expect(issued.notAfter == now + 30 * 86400)
    try folder.write(try authority.certificatePEM(), "ca.pem")
    try folder.openssl(
      "verify", "-x509_strict", "-attime", "\(now)", "-verify_hostname", amphoraText, "-purpose", "sslserver",
      "-CAfile",
      "ca.pem", "server.pem")
  }

  @Test func `server pem is the certificate, then the key in PKCS1, and nothing else`() throws {
    let issued = try authority.issueAmphoraCertificate(id: amphora)
    let lines = issued.pem.split(separator: "\n").filter { $0.hasPrefix("-----") }
    #expect(
      lines == [
        "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
      ])
    #expect(issued.pem.utf8.count < 4000)
    let identity = try ServerIdentity.validate(pem: issued.pem.utf8, amphoraID: amphoraText, now: now)
    #expect(identity.certificate.serial == issued.serial)
  }

  @Test func `serial numbers are random UUIDs of version 4`() throws {
    var seen: Set<[UInt8]> = []
    for _ in 0..<100 {
      let serial = CertificateAuthority.randomUUIDv4()
      #expect(serial.count == 16)
      #expect(serial[6] >> 4 == 4)
      #expect(serial[8] >> 6 == 2)
      seen.insert(serial)
    }
    #expect(seen.count == 100)
    let fixed = try CertificateAuthority.create(
      name: "x", unixTime: { now }, serial: { [0x01] + [UInt8](repeating: 0xAB, count: 15) })
    #expect(try fixed.issueAmphoraCertificate(id: amphora).serial == "01" + String(repeating: "AB", count: 15))
  }

  @Test func `a controller's certificate is for clients only`() throws {
    let issued = try authority.issueControllerCertificate(name: "octavia-worker")
    try folder.write(issued.pem, "client.pem")
    try folder.write(try authority.certificatePEM(), "ca.pem")
    try folder.openssl("verify", "-attime", "\(now)", "-purpose", "sslclient", "-CAfile", "ca.pem", "client.pem")
    #expect(throws: CertificateFolder.Failure.self) {
      try folder.openssl("verify", "-attime", "\(now)", "-purpose", "sslserver", "-CAfile", "ca.pem", "client.pem")
    }
    #expect(try folder.openssl("x509", "-in", "client.pem", "-noout", "-subject") == "subject=CN = octavia-worker\n")
    try folder.openssl("rsa", "-in", "client.pem", "-noout", "-check")
  }

  @Test func `the validity can be chosen`() throws {
    let issued = try authority.issueAmphoraCertificate(id: amphora, validity: .seconds(3600))
    #expect(issued.notAfter == now + 3600)
  }

  @Test(arguments: [String?.none, "a päss phrase"])
  func `a stored CA loads again and issues what the old one's certificate verifies`(passphrase: String?) throws {
    let certificate = folder.file("ca.pem")
    let key = folder.file("ca.key")
    try authority.store(certificatePath: certificate, keyPath: key, passphrase: passphrase)
    #expect(try folder.mode("ca.pem") == 0o600)
    #expect(try folder.mode("ca.key") == 0o600)
    #expect(try folder.read("ca.key").contains("ENCRYPTED") == (passphrase != nil))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["ca.key", "ca.pem"])
    let loaded = try CertificateAuthority.load(
      certificatePath: certificate, keyPath: key, passphrase: passphrase, unixTime: { now })
    try folder.write(try loaded.issueAmphoraCertificate(id: amphora).pem, "server.pem")
    try folder.openssl("verify", "-attime", "\(now)", "-CAfile", "ca.pem", "server.pem")
    if passphrase != nil {
      #expect {
        try CertificateAuthority.load(certificatePath: certificate, keyPath: key)
      } throws: {
        guard case .unusable(key, let error)? = $0 as? CertificateAuthorityError else { return false }
        return error.kind == .passphraseMissing
      }
      #expect {
        try CertificateAuthority.load(certificatePath: certificate, keyPath: key, passphrase: "wrong")
      } throws: {
        guard case .unusable(key, let error)? = $0 as? CertificateAuthorityError else { return false }
        return error.kind == .passphraseWrong
      }
    }
  }

  // As Octavia's guide has operators make their CAs.
  @Test func `a CA that openssl made with an encrypted traditional key is taken`() throws {
    try folder.openssl("genrsa", "-aes256", "-traditional", "-passout", "pass:foobar", "-out", "ca.key", "2048")
    try folder.openssl(
      "req", "-x509", "-new", "-key", "ca.key", "-passin", "pass:foobar", "-days", "10", "-subj",
      "/C=DE/O=Cloud/CN=Old CA",
      "-out", "ca.pem")
    let loaded = try CertificateAuthority.load(
      certificatePath: folder.file("ca.pem"), keyPath: folder.file("ca.key"), passphrase: "foobar")
    #expect(loaded.subject == "CN=Old CA,O=Cloud,C=DE")
    try folder.write(try loaded.issueAmphoraCertificate(id: amphora).pem, "server.pem")
    // Not strictly: OpenSSL's own default CA lacks a key usage.
    try folder.openssl("verify", "-CAfile", "ca.pem", "server.pem")
  }

  @Test func `what is no CA is refused with the reason`() throws {
    let leaf = try authority.issueAmphoraCertificate(id: amphora)
    try folder.write(leaf.pem, "leaf.pem")
    #expect(
      throws: CertificateAuthorityError.notAnAuthority(path: folder.file("leaf.pem"), subject: "CN=\(amphoraText)")
    ) {
      try CertificateAuthority.load(certificatePath: folder.file("leaf.pem"), keyPath: folder.file("leaf.pem"))
    }
    try authority.store(certificatePath: folder.file("ca.pem"), keyPath: folder.file("ca.key"))
    #expect(
      throws: CertificateAuthorityError.keyMismatch(
        certificatePath: folder.file("ca.pem"), keyPath: folder.file("leaf.pem"))
    ) {
      try CertificateAuthority.load(certificatePath: folder.file("ca.pem"), keyPath: folder.file("leaf.pem"))
    }
    #expect {
      try CertificateAuthority.load(certificatePath: folder.file("none"), keyPath: folder.file("ca.key"))
    } throws: {
      guard case .file(let error)? = $0 as? CertificateAuthorityError else { return false }
      return error.path == folder.file("none") && error.errorNumber == ENOENT
    }
    try folder.write("garbage", "bad.pem")
    #expect(throws: CertificateAuthorityError.self) {
      try CertificateAuthority.load(certificatePath: folder.file("bad.pem"), keyPath: folder.file("ca.key"))
    }
  }

  @Test func `an expired CA issues nothing`() throws {
    let short = try CertificateAuthority.create(name: "short", validity: .seconds(10), unixTime: { now })
    try short.store(certificatePath: folder.file("ca.pem"), keyPath: folder.file("ca.key"))
    let later = try CertificateAuthority.load(
      certificatePath: folder.file("ca.pem"), keyPath: folder.file("ca.key"), unixTime: { now + 11 })
    #expect(throws: CertificateAuthorityError.expired(subject: "CN=short", notAfter: now + 10)) {
      try later.issueAmphoraCertificate(id: amphora)
    }
  }

  @Test func `a folder that does not exist is named and nothing is left`() throws {
    let error = #expect(throws: CertificateAuthorityError.self) {
      try authority.store(certificatePath: folder.file("no/ca.pem"), keyPath: folder.file("no/ca.key"))
    }
    #expect(error?.description.contains("no/ca.key") == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
