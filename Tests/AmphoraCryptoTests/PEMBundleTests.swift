import AmphoraCrypto
import Testing

@Suite struct PEMBundleTests {
  let made: TestIdentities
  let leaf: String
  let ca: String
  let key: String

  init() throws {
    made = try TestIdentities.shared.get()
    leaf = try made.leaf.pem()
    ca = try made.ca.pem()
    key = try made.leafKey.pem(.traditional)
  }

  @Test func `any order is taken, with other certificates and text between`() throws {
    let pkcs8 = try made.leafKey.pem(.pkcs8)
    for text in [
      leaf + key, key + leaf, ca + leaf + pkcs8, "Bag Attributes\n" + pkcs8 + "\n# x\n" + ca + "\r\n" + leaf + "end",
      (leaf + key).replacing("\n", with: "\r\n"),
    ] {
      let identity = try PEMBundle(pem: text.utf8).identity()
      #expect(identity.certificate == made.leaf)
      #expect(identity.key.hasSamePublicKey(as: made.leafKey))
      #expect(identity.others == (text.contains(ca.prefix(200)) ? [made.ca] : []))
    }
  }

  @Test func `the key that has a certificate is chosen`() throws {
    let identity = try PEMBundle(pem: (try made.otherKey.pem(.pkcs8) + key + leaf).utf8).identity()
    #expect(identity.key.hasSamePublicKey(as: made.leafKey))
  }

  @Test func `what is missing is named`() throws {
    #expect(throws: PEMBundleError.noCertificate) { try PEMBundle(pem: key.utf8).identity() }
    #expect(throws: PEMBundleError.noCertificate) { try PEMBundle(pem: "".utf8).identity() }
    #expect(throws: PEMBundleError.noPrivateKey) { try PEMBundle(pem: (leaf + ca).utf8).identity() }
    #expect(throws: PEMBundleError.keyMatchesNoCertificate) {
      try PEMBundle(pem: (leaf + ca + (try made.otherKey.pem(.pkcs8))).utf8).identity()
    }
  }

  @Test func `a torn file is unreadable, not shorter`() throws {
    let whole = leaf + key
    let firstCertificate = leaf.utf8.count
    for length in stride(from: firstCertificate + 40, to: whole.utf8.count - 20, by: 97) {
      #expect {
        try PEMBundle(pem: whole.utf8.prefix(length)).identity()
      } throws: {
        guard case .unreadable? = $0 as? PEMBundleError else { return false }
        return true
      }
    }
  }

  @Test func `an encrypted key needs its passphrase`() throws {
    let text = leaf + (try made.leafKey.pem(.traditional, passphrase: "secret"))
    #expect(try PEMBundle(pem: text.utf8, passphrase: "secret").identity().certificate == made.leaf)
    #expect {
      try PEMBundle(pem: text.utf8)
    } throws: {
      guard case .unreadable(let error)? = $0 as? PEMBundleError else { return false }
      return error.kind == .passphraseMissing
    }
  }

  @Test func `other blocks are skipped`() throws {
    let parameters = "-----BEGIN DH PARAMETERS-----\nMAYCAQcCAQI=\n-----END DH PARAMETERS-----\n"
    #expect(try PEMBundle(pem: (parameters + leaf + key).utf8).identity().certificate == made.leaf)
  }
}

@Suite struct ServerIdentityTests {
  let made: TestIdentities
  let pem: String

  init() throws {
    made = try TestIdentities.shared.get()
    pem = try made.leaf.pem() + made.leafKey.pem(.traditional)
  }

  @Test func `a fresh certificate of this amphora is taken`() throws {
    let identity = try ServerIdentity.validate(pem: pem.utf8, amphoraID: TestIdentities.amphoraID, now: testNow)
    #expect(identity.certificate == made.leaf)
    #expect(identity.key.hasSamePublicKey(as: made.leafKey))
    #expect(identity.others == [])
    _ = try ServerIdentity.validate(pem: pem.utf8, amphoraID: TestIdentities.amphoraID.uppercased(), now: testNow)
    _ = try ServerIdentity.validate(pem: pem.utf8, amphoraID: nil, now: testNow)
  }

  @Test func `another amphora's certificate is refused`() {
    #expect(throws: ServerIdentityError.wrongName(expected: "other", found: [TestIdentities.amphoraID])) {
      try ServerIdentity.validate(pem: pem.utf8, amphoraID: "other", now: testNow)
    }
  }

  @Test func `validity has its bounds`() throws {
    let notAfter = made.leaf.notAfter
    let notBefore = made.leaf.notBefore
    _ = try ServerIdentity.validate(pem: pem.utf8, amphoraID: nil, now: notAfter)
    #expect(throws: ServerIdentityError.expired(notAfter: notAfter, now: notAfter + 1)) {
      try ServerIdentity.validate(pem: pem.utf8, amphoraID: nil, now: notAfter + 1)
    }
    // A VM's clock that is behind by less than a day is no reason to refuse.
    _ = try ServerIdentity.validate(pem: pem.utf8, amphoraID: nil, now: notBefore - 86400)
    #expect(throws: ServerIdentityError.notYetValid(notBefore: notBefore, now: notBefore - 86401)) {
      try ServerIdentity.validate(pem: pem.utf8, amphoraID: nil, now: notBefore - 86401)
    }
  }

  @Test func `a bad file is refused with what is wrong`() throws {
    let mismatch = try made.leaf.pem() + made.otherKey.pem(.traditional)
    #expect(throws: ServerIdentityError.bundle(.keyMatchesNoCertificate)) {
      try ServerIdentity.validate(pem: mismatch.utf8, amphoraID: nil, now: testNow)
    }
    #expect(throws: ServerIdentityError.bundle(.noCertificate)) {
      try ServerIdentity.validate(pem: "garbage\0\u{FFFD}".utf8, amphoraID: nil, now: testNow)
    }
    #expect(throws: ServerIdentityError.bundle(.noPrivateKey)) {
      try ServerIdentity.validate(pem: try made.leaf.pem().utf8, amphoraID: nil, now: testNow)
    }
  }

  @Test func `without DNS names the common name counts`() throws {
    var profile = TestIdentities.leafProfile()
    profile.dnsNames = []
    let certificate = try X509Certificate.issue(profile, for: made.leafKey, issuer: made.ca, issuerKey: made.caKey)
    let pem = try certificate.pem() + made.leafKey.pem(.pkcs8)
    _ = try ServerIdentity.validate(pem: pem.utf8, amphoraID: TestIdentities.amphoraID, now: testNow)
    profile.dnsNames = ["somebody.else"]
    let other = try X509Certificate.issue(profile, for: made.leafKey, issuer: made.ca, issuerKey: made.caKey)
    #expect(throws: ServerIdentityError.wrongName(expected: TestIdentities.amphoraID, found: ["somebody.else"])) {
      try ServerIdentity.validate(
        pem: (try other.pem() + made.leafKey.pem(.pkcs8)).utf8, amphoraID: TestIdentities.amphoraID, now: testNow)
    }
  }
}
