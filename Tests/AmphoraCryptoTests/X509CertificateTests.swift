import AmphoraCrypto
import Testing

@Suite(.enabled(if: OpenSSL.isInstalled, "/usr/bin/openssl is not installed"))
struct X509CertificateTests {
  let folder: ScratchFolder
  let made: TestIdentities

  init() throws {
    folder = try ScratchFolder()
    made = try TestIdentities.shared.get()
  }

  @Test func `openssl prints the profile of the contract`() throws {
    _ = try folder.write(try made.leaf.pem(), "leaf.pem")
    let text = try OpenSSL.run("x509", "-in", "leaf.pem", "-noout", "-text", in: folder)
    let lines = text.split(separator: "\n").map { String($0.drop { $0 == " " }) }
    func value(after title: String) -> String? {
      lines.firstIndex { $0.hasPrefix(title) }.flatMap { $0 + 1 < lines.count ? lines[$0 + 1] : nil }
    }
    #expect(lines.contains("Version: 3 (0x2)"))
    #expect(lines.contains("Signature Algorithm: sha256WithRSAEncryption"))
    #expect(lines.contains("Issuer: CN = test CA"))
    #expect(lines.contains("Subject: CN = \(TestIdentities.amphoraID)"))
    #expect(lines.contains { $0.contains("Public-Key: (2048 bit)") })
    #expect(value(after: "X509v3 Basic Constraints: critical") == "CA:FALSE")
    #expect(value(after: "X509v3 Subject Alternative Name: ") == "DNS:\(TestIdentities.amphoraID)")
    #expect(
      value(after: "X509v3 Key Usage: critical")
        == "Digital Signature, Key Encipherment, Data Encipherment, Key Agreement")
    #expect(
      value(after: "X509v3 Extended Key Usage: critical")
        == "TLS Web Server Authentication, TLS Web Client Authentication")
    _ = try folder.write(try made.ca.pem(), "ca.pem")
    let caText = try OpenSSL.run("x509", "-in", "ca.pem", "-noout", "-text", in: folder)
    let caLines = caText.split(separator: "\n").map { String($0.drop { $0 == " " }) }
    let caKeyID = caLines.firstIndex { $0.hasPrefix("X509v3 Subject Key Identifier") }.map { caLines[$0 + 1] }
    #expect(caKeyID?.count == 59)
    #expect(value(after: "X509v3 Authority Key Identifier") == caKeyID)
    #expect(value(after: "X509v3 Subject Key Identifier") != caKeyID)
    #expect(lines.filter { $0.hasPrefix("X509v3 ") && $0 != "X509v3 extensions:" }.count == 6)
  }

  @Test func `fields read as openssl prints them`() throws {
    _ = try folder.write(try made.leaf.pem(), "leaf.pem")
    let text = try OpenSSL.run(
      "x509", "-in", "leaf.pem", "-noout", "-serial", "-fingerprint", "-sha1", "-startdate", "-enddate", in: folder)
    #expect(text.contains("serial=\(made.leaf.serial)\n"))
    #expect(made.leaf.serial == "FE07070707070707070707070707070707070707".prefix(32))
    let digits = Digest.hex(made.leaf.sha1Fingerprint).uppercased()
    #expect(text.filter { $0 != ":" }.contains("=\(digits)\n"))
    // testNow - 300 and testNow + 30 days.
    #expect(text.contains("notBefore=Dec 31 23:55:00 2025 GMT"))
    #expect(text.contains("notAfter=Jan 31 00:00:00 2026 GMT"))
    #expect(made.leaf.notBefore == testNow - 300)
    #expect(made.leaf.notAfter == testNow + 2_592_000)
    #expect(made.leaf.commonName == TestIdentities.amphoraID)
    #expect(made.leaf.dnsNames == [TestIdentities.amphoraID])
    #expect(made.leaf.subject == "CN=\(TestIdentities.amphoraID)")
    #expect(made.leaf.issuer == "CN=test CA")
    #expect(made.leaf.publicKeyBitCount == 2048)
    #expect(made.ca.dnsNames == [])
    #expect(made.ca.hostNames == ["test CA"])
  }

  @Test func `openssl verifies a leaf for both sides of TLS`() throws {
    _ = try folder.write(try made.leaf.pem(), "leaf.pem")
    _ = try folder.write(try made.ca.pem(), "ca.pem")
    for purpose in ["sslserver", "sslclient"] {
      let text = try OpenSSL.run(
        "verify", "-x509_strict", "-attime", "\(testNow)", "-purpose", purpose, "-CAfile", "ca.pem", "leaf.pem",
        in: folder)
      #expect(text == "leaf.pem: OK\n")
    }
    try OpenSSL.run(
      "verify", "-attime", "\(testNow)", "-verify_hostname", TestIdentities.amphoraID, "-CAfile", "ca.pem", "leaf.pem",
      in: folder)
    #expect(throws: OpenSSL.Failure.self) {
      try OpenSSL.run(
        "verify", "-attime", "\(testNow)", "-verify_hostname", "other", "-CAfile", "ca.pem", "leaf.pem", in: folder)
    }
  }

  @Test func `PEM and DER are the same certificate`() throws {
    let pem = try made.leaf.pem()
    #expect(pem.hasPrefix("-----BEGIN CERTIFICATE-----\n") && pem.hasSuffix("-----END CERTIFICATE-----\n"))
    #expect(try X509Certificate(pem: pem.utf8) == made.leaf)
    #expect(try X509Certificate(der: made.leaf.der) == made.leaf)
    #expect(made.leaf != made.ca)
    #expect(throws: CryptoError.self) { try X509Certificate(der: made.leaf.der + [0]) }
    #expect(throws: CryptoError.self) { try X509Certificate(der: made.leaf.der.dropLast()) }
    #expect(throws: CryptoError.self) { try X509Certificate(der: []) }
    #expect(throws: CryptoError.self) { try X509Certificate(pem: "nothing".utf8) }
  }

  @Test func `a certificate knows its key and whether it may sign`() throws {
    #expect(made.leaf.matches(made.leafKey))
    #expect(!made.leaf.matches(made.caKey))
    #expect(made.ca.isCA)
    #expect(!made.leaf.isCA)
  }

  @Test func `verification accepts the CA's leaf for both purposes`() throws {
    try made.leaf.verify(authorities: [made.ca], purpose: .server, now: testNow)
    try made.leaf.verify(authorities: [made.ca], purpose: .client, now: testNow)
  }

  // X509_V_ERR_CERT_NOT_YET_VALID 9, …_HAS_EXPIRED 10, …_UNABLE_TO_GET_ISSUER_CERT_LOCALLY 20, …_INVALID_PURPOSE 26.
  @Test func `verification refuses wrong times, CAs and purposes`() throws {
    func code(_ body: () throws -> Void) -> Int? {
      (#expect(throws: CertificateVerificationError.self) { try body() })?.code
    }
    #expect(code { try made.leaf.verify(authorities: [made.ca], purpose: .server, now: testNow - 301) } == 9)
    #expect(code { try made.leaf.verify(authorities: [made.ca], purpose: .server, now: testNow + 2_592_001) } == 10)
    #expect(code { try made.leaf.verify(authorities: [], purpose: .server, now: testNow) } == 20)
    var profile = CertificateProfile(commonName: "test CA", serial: [2], notBefore: testNow, notAfter: testNow + 9)
    profile.isCA = true
    let impostor = try X509Certificate.issue(profile, for: made.otherKey, issuer: nil, issuerKey: made.otherKey)
    #expect(throws: CertificateVerificationError.self) {
      try made.leaf.verify(authorities: [impostor], purpose: .server, now: testNow)
    }
    var clientProfile = TestIdentities.leafProfile()
    clientProfile.extendedKeyUsage = [.clientAuth]
    let client = try X509Certificate.issue(clientProfile, for: made.leafKey, issuer: made.ca, issuerKey: made.caKey)
    try client.verify(authorities: [made.ca], purpose: .client, now: testNow)
    #expect(code { try client.verify(authorities: [made.ca], purpose: .server, now: testNow) } == 26)
  }

  @Test func `a chain through an intermediate CA verifies only with it`() throws {
    var profile = CertificateProfile(
      commonName: "intermediate", serial: [3], notBefore: testNow, notAfter: testNow + 1000)
    profile.isCA = true
    profile.keyUsage = [.keyCertSign]
    let middle = try X509Certificate.issue(profile, for: made.otherKey, issuer: made.ca, issuerKey: made.caKey)
    let leaf = try X509Certificate.issue(
      TestIdentities.leafProfile(), for: made.leafKey, issuer: middle, issuerKey: made.otherKey)
    try leaf.verify(authorities: [made.ca], intermediates: [middle], purpose: .server, now: testNow)
    #expect(throws: CertificateVerificationError.self) {
      try leaf.verify(authorities: [made.ca], purpose: .server, now: testNow)
    }
  }

  @Test func `a CA without a key identifier is named by the digest of its key`() throws {
    _ = try folder.write(try made.otherKey.pem(.pkcs8), "key.pem")
    let configuration =
      "[req]\ndistinguished_name=n\n[n]\n[e]\nbasicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\n"
    _ = try folder.write(configuration, "req.conf")
    try OpenSSL.run(
      "req", "-new", "-x509", "-config", "req.conf", "-extensions", "e", "-key", "key.pem", "-subj", "/CN=old", "-days",
      "1",
      "-out", "ca.pem", in: folder)
    let old = try X509Certificate(pem: folder.read("ca.pem"))
    let leaf = try X509Certificate.issue(
      TestIdentities.leafProfile(), for: made.leafKey, issuer: old, issuerKey: made.otherKey)
    _ = try folder.write(try leaf.pem(), "leaf.pem")
    let text = try OpenSSL.run("x509", "-in", "leaf.pem", "-noout", "-ext", "authorityKeyIdentifier", in: folder)
    // What a certificate of the same key carries as its own identifier.
    let ownKey = try X509Certificate.issue(
      TestIdentities.leafProfile(), for: made.otherKey, issuer: nil, issuerKey: made.otherKey)
    _ = try folder.write(try ownKey.pem(), "own.pem")
    let own = try OpenSSL.run("x509", "-in", "own.pem", "-noout", "-ext", "subjectKeyIdentifier", in: folder)
    #expect(text.split(separator: "\n").last == own.split(separator: "\n").last)
  }

  @Test func `names cannot inject other names`() throws {
    var profile = TestIdentities.leafProfile()
    profile.commonName = "a/CN=b,DNS:c"
    profile.dnsNames = ["a,DNS:evil", "b"]
    let certificate = try X509Certificate.issue(profile, for: made.leafKey, issuer: made.ca, issuerKey: made.caKey)
    #expect(certificate.dnsNames == ["a,DNS:evil", "b"])
    #expect(certificate.commonName == "a/CN=b,DNS:c")
    #expect(certificate.subject == "CN=a/CN=b\\,DNS:c")
  }

  @Test func `a name with a NUL counts as no name`() throws {
    var profile = TestIdentities.leafProfile()
    profile.dnsNames = ["good\0.evil"]
    let certificate = try X509Certificate.issue(profile, for: made.leafKey, issuer: made.ca, issuerKey: made.caKey)
    #expect(certificate.dnsNames == [])
  }

  @Test(arguments: SigningDigest.allCases)
  func `every digest signs`(digest: SigningDigest) throws {
    let certificate = try X509Certificate.issue(
      TestIdentities.leafProfile(), for: made.leafKey, issuer: made.ca, issuerKey: made.caKey, digest: digest)
    _ = try folder.write(try certificate.pem(), "leaf.pem")
    let text = try OpenSSL.run("x509", "-in", "leaf.pem", "-noout", "-text", in: folder)
    #expect(text.contains("Signature Algorithm: \(digest.rawValue)WithRSAEncryption"))
    try certificate.verify(authorities: [made.ca], purpose: .server, now: testNow)
  }

  @Test func `times beyond 2049 are written and read`() throws {
    var profile = TestIdentities.leafProfile()
    // 2100-01-01 00:00:00 UTC: past 2049 X.509 changes from UTCTime to GeneralizedTime.
    profile.notAfter = 4_102_444_800
    let certificate = try X509Certificate.issue(profile, for: made.leafKey, issuer: made.ca, issuerKey: made.caKey)
    #expect(certificate.notAfter == 4_102_444_800)
    _ = try folder.write(try certificate.pem(), "leaf.pem")
    #expect(
      try OpenSSL.run("x509", "-in", "leaf.pem", "-noout", "-enddate", in: folder)
        == "notAfter=Jan  1 00:00:00 2100 GMT\n")
  }

  @Test func `certificates openssl wrote are read`() throws {
    try OpenSSL.run(
      "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-subj",
      "/O=Größe/CN=first/CN=last",
      "-utf8", "-addext", "subjectAltName=DNS:a,IP:192.0.2.1,DNS:b,email:x@y", "-days", "1", "-out", "c.pem", in: folder
    )
    let certificate = try X509Certificate(pem: folder.read("c.pem"))
    #expect(certificate.dnsNames == ["a", "b"])
    #expect(certificate.commonName == "last")
    #expect(certificate.subject == "CN=last,CN=first,O=Größe")
    #expect(certificate.matches(try PrivateKey(pem: folder.read("key.pem"))))
    try OpenSSL.run("x509", "-in", "c.pem", "-trustout", "-addtrust", "serverAuth", "-out", "trusted.pem", in: folder)
    #expect(try X509Certificate(pem: folder.read("trusted.pem")).commonName == "last")
  }
}
