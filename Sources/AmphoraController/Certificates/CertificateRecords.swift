// What was issued to amphorae, so that their expiry is known without asking them: certificates only, never a key.

public import AmphoraCrypto
public import AmphoraProtocol

/// The certificates of amphorae, one file each.
public struct CertificateRecords: Sendable {
  /// An amphora's certificate.
  public struct Entry: Sendable {
    /// The amphora.
    public let amphora: AmphoraID
    /// Its certificate.
    public let certificate: X509Certificate
  }

  private let path: String

  /// Names the folder; it is made with the first entry.
  public init(path: String) { self.path = path }

  /// Remembers an amphora's certificate in place of an older one.
  public func store(_ certificate: X509Certificate, of amphora: AmphoraID) throws(CertificateAuthorityError) {
    let text: String
    do { text = try certificate.pem() } catch { throw .issuing(error) }
    try fileErrors { () throws(SecretFileError) in
      try SecretFile.makeFolder(path)
      try SecretFile.write(text, to: "\(path)/\(amphora).pem")
    }
  }

  /// Forgets an amphora; one that is not there is fine.
  public func remove(_ amphora: AmphoraID) throws(CertificateAuthorityError) {
    try fileErrors { () throws(SecretFileError) in try SecretFile.remove("\(path)/\(amphora).pem") }
  }

  /// All entries, the first to expire first.
  public func all() throws(CertificateAuthorityError) -> [Entry] {
    var entries: [Entry] = []
    for name in try fileErrors({ () throws(SecretFileError) in try SecretFile.names(in: path) }) {
      guard name.hasSuffix(".pem"), let amphora = AmphoraID(name.dropLast(4)) else { continue }
      let text = try fileErrors { () throws(SecretFileError) in try SecretFile.read("\(path)/\(name)") }
      do { entries.append(Entry(amphora: amphora, certificate: try X509Certificate(pem: text))) } catch {
        throw .unusable(path: "\(path)/\(name)", error)
      }
    }
    return entries.sorted { ($0.certificate.notAfter, $0.amphora.text) < ($1.certificate.notAfter, $1.amphora.text) }
  }

  /// The entries that expire before a time, in seconds since 1970.
  public func expiring(before time: Int64) throws(CertificateAuthorityError) -> [Entry] {
    try all().filter { $0.certificate.notAfter < time }
  }
}
