// One CA on disk through its whole life, its succession included. Two files are what Octavia and agents know:
// `server_ca.pem` (or `client_ca.pem`), the certificates that the other side must trust, the one that signs first; and
// `server_ca.key`, the key of the one that signs. A rollover adds `….next.key` until the successor signs, then
// `….previous.key` until the predecessor is dropped.
//
//   phase      CA file       keys                   who signs
//   single     [A]           key = A                A
//   prepared   [A, B]        key = A, next = B      A: all sides learn to trust B
//   activated  [B, A]        key = B, previous = A  B: what A signed is replaced
//   single     [B]           key = B                B
//
// Each step writes its files in an order that leaves, wherever it is cut, a CA that loads and a step that can be repeated.

public import AmphoraCrypto

/// The folder of a CA.
public struct AuthorityFolder: Sendable {
  /// Whose certificates a CA signs.
  public enum Role: String, Sendable, CaseIterable {
    /// Amphorae's; controllers trust it.
    case server
    /// Controllers'; amphorae trust it.
    case client
  }

  /// How far a rollover is.
  public enum Phase: String, Sendable {
    /// There is one CA.
    case single
    /// Old and new are trusted, the old one signs.
    case prepared
    /// Old and new are trusted, the new one signs.
    case activated
  }

  /// The folder.
  public let path: String
  /// Whose certificates the CA signs.
  public let role: Role
  private let unixTime: @Sendable () -> Int64

  /// Names a folder; nothing is read yet.
  public init(
    path: String, role: Role, unixTime: @escaping @Sendable () -> Int64 = { CertificateAuthority.systemUnixTime() }
  ) {
    self.path = path
    self.role = role
    self.unixTime = unixTime
  }

  /// The file with the certificates to trust.
  public var certificatePath: String { "\(path)/\(role.rawValue)_ca.pem" }
  /// The file with the key that signs.
  public var keyPath: String { "\(path)/\(role.rawValue)_ca.key" }
  var nextKeyPath: String { "\(path)/\(role.rawValue)_ca.next.key" }
  var previousKeyPath: String { "\(path)/\(role.rawValue)_ca.previous.key" }

  /// Whether there is a CA.
  ///
  /// A key alone is what a crash left of ``create(name:passphrase:validity:)``, which can be repeated.
  public var exists: Bool { SecretFile.exists(certificatePath) }

  /// The trusted certificates, in the order of the file.
  public func trusted() throws(CertificateAuthorityError) -> [X509Certificate] {
    let text = try fileErrors { () throws(SecretFileError) in try SecretFile.read(certificatePath) }
    do throws(PEMBundleError) {
      let certificates = try PEMBundle(pem: text).certificates
      guard !certificates.isEmpty else { throw .noCertificate }
      return certificates
    } catch {
      throw .noCertificates(path: certificatePath, error)
    }
  }

  /// How far a rollover is; needs no passphrase.
  public func phase() throws(CertificateAuthorityError) -> Phase {
    let count = try trusted().count
    if SecretFile.exists(nextKeyPath) {
      // With one certificate, a preparation was cut before its second step.
      return count > 1 ? .prepared : .single
    }
    return SecretFile.exists(previousKeyPath) ? .activated : .single
  }

  /// Makes the first CA of the folder; one that exists is an error.
  public func create(
    name: String, passphrase: String?, validity: Duration = .seconds(315_360_000)
  ) throws(CertificateAuthorityError) -> CertificateAuthority {
    guard !SecretFile.exists(certificatePath) else { throw .exists(path: certificatePath) }
    try fileErrors { () throws(SecretFileError) in try SecretFile.makeFolder(path) }
    let authority = try CertificateAuthority.create(name: name, validity: validity, unixTime: unixTime)
    // A key without its certificate is what a crash left: nothing was ever signed with it.
    try authority.store(certificatePath: certificatePath, keyPath: keyPath, passphrase: passphrase)
    return authority
  }

  /// The CA that signs.
  public func load(passphrase: String?) throws(CertificateAuthorityError) -> CertificateAuthority {
    try load(keyPath, passphrase)
  }

  /// The CA that will sign; nil unless the phase is ``Phase/prepared``.
  public func loadSuccessor(passphrase: String?) throws(CertificateAuthorityError) -> CertificateAuthority? {
    try phase() == .prepared ? try load(nextKeyPath, passphrase) : nil
  }

  /// Step 1: makes the successor and has both trusted; the old CA goes on signing.
  ///
  /// Afterwards ``certificatePath`` must reach whoever trusts this CA: for the server CA every controller, for the client
  /// CA every amphora. In the phase `prepared` this changes nothing.
  public func prepareRollover(
    name: String, passphrase: String?, validity: Duration = .seconds(315_360_000)
  ) throws(CertificateAuthorityError) -> CertificateAuthority {
    switch try phase() {
    case .activated: throw .wrongPhase(path: certificatePath, .activated, wanted: "preparing a rollover")
    case .prepared: return try load(nextKeyPath, passphrase)
    case .single: break
    }
    // A wrong passphrase must not encrypt the new key either.
    let current = try load(passphrase: passphrase)
    let successor = try CertificateAuthority.create(name: name, validity: validity, unixTime: unixTime)
    let text = try current.certificatePEM() + successor.certificatePEM()
    let key = try successor.keyPEM(passphrase: passphrase)
    try fileErrors { () throws(SecretFileError) in
      try SecretFile.write(key, to: nextKeyPath)
      try SecretFile.write(text, to: certificatePath)
    }
    return successor
  }

  /// Step 2: the successor signs from now on; both stay trusted.
  ///
  /// Afterwards everything that the old CA signed must be replaced. In the phase `activated` this completes what a crash
  /// may have cut.
  public func activateSuccessor(passphrase: String?) throws(CertificateAuthorityError) {
    let phase = try phase()
    guard phase != .single else { throw .wrongPhase(path: certificatePath, phase, wanted: "activating a successor") }
    if phase == .prepared {
      // The successor must be usable before the old key goes.
      _ = try load(nextKeyPath, passphrase)
      try fileErrors { () throws(SecretFileError) in
        try SecretFile.write(String(decoding: SecretFile.read(keyPath), as: UTF8.self), to: previousKeyPath)
        try SecretFile.rename(nextKeyPath, to: keyPath)
      }
    }
    try writeTrusted(first: try load(passphrase: passphrase), keepsOthers: true)
  }

  /// Step 3: the old CA is trusted no longer, and its key is removed.
  public func finishRollover(passphrase: String?) throws(CertificateAuthorityError) {
    let phase = try phase()
    guard phase == .activated else { throw .wrongPhase(path: certificatePath, phase, wanted: "finishing a rollover") }
    try writeTrusted(first: try load(passphrase: passphrase), keepsOthers: false)
    try fileErrors { () throws(SecretFileError) in try SecretFile.remove(previousKeyPath) }
  }

  /// Instead of step 2: forgets the successor, which has signed nothing.
  public func cancelRollover(passphrase: String?) throws(CertificateAuthorityError) {
    let phase = try phase()
    guard phase != .activated else { throw .wrongPhase(path: certificatePath, phase, wanted: "cancelling a rollover") }
    try writeTrusted(first: try load(passphrase: passphrase), keepsOthers: false)
    try fileErrors { () throws(SecretFileError) in try SecretFile.remove(nextKeyPath) }
  }

  private func load(_ keyPath: String, _ passphrase: String?) throws(CertificateAuthorityError) -> CertificateAuthority
  {
    let key = try CertificateAuthority.loadKey(keyPath, passphrase: passphrase)
    // Not simply the first: a crash between two files of a step leaves the order of before.
    guard let certificate = try trusted().first(where: { $0.matches(key) }) else {
      throw .keyMismatch(certificatePath: certificatePath, keyPath: keyPath)
    }
    guard certificate.isCA else { throw .notAnAuthority(path: certificatePath, subject: certificate.subject) }
    return CertificateAuthority(
      certificate: certificate, key: key, digest: .sha256, unixTime: unixTime,
      serial: { CertificateAuthority.randomUUIDv4() })
  }

  private func writeTrusted(first: CertificateAuthority, keepsOthers: Bool) throws(CertificateAuthorityError) {
    var text = try first.certificatePEM()
    for other in try trusted() where keepsOthers && other != first.certificate {
      do { text += try other.pem() } catch { throw .issuing(error) }
    }
    try fileErrors { () throws(SecretFileError) in try SecretFile.write(text, to: certificatePath) }
  }
}
