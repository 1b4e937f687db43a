// The agent's own certificate and key, checked before it replaces the one in use: with a bad one no controller could
// connect any more (contract agent-api §5 W10, heartbeat-and-config §5.3).

/// Why a PEM file cannot be an agent's identity.
public enum ServerIdentityError: Error, Hashable, Sendable {
  /// The file is not a certificate with its key.
  case bundle(PEMBundleError)
  /// The certificate has expired; times in seconds since 1970.
  case expired(notAfter: Int64, now: Int64)
  /// The certificate's validity begins more than a day from now; times in seconds since 1970.
  case notYetValid(notBefore: Int64, now: Int64)
  /// The certificate is for somebody else.
  case wrongName(expected: String, found: [String])
}

extension ServerIdentityError: CustomStringConvertible {
  /// The error in words.
  public var description: String {
    switch self {
    case .bundle(let error): "\(error)"
    case .expired(let notAfter, let now): "the certificate expired at \(notAfter), it is \(now) (seconds since 1970)"
    case .notYetValid(let notBefore, let now):
      "the certificate is valid from \(notBefore) on, it is \(now) (seconds since 1970)"
    case .wrongName(let expected, let found):
      "the certificate is for \(found.isEmpty ? "nobody" : found.joined(separator: ", ")), not for \(expected)"
    }
  }
}

/// A certificate with its private key.
public struct ServerIdentity: Sendable {
  /// The certificate.
  public let certificate: X509Certificate
  /// Its private key.
  public let key: PrivateKey
  /// Further certificates of the file, in their order.
  public let others: [X509Certificate]

  /// How far a certificate's validity may lie ahead, in seconds.
  ///
  /// Controllers do not back-date, and the clock of a young VM may be behind; a refusal here would put the amphora into
  /// ERROR, while a TLS client judges validity by its own clock anyway.
  static let toleratedClockDifference: Int64 = 86400

  /// Reads and checks a PEM file.
  ///
  /// - Parameters:
  ///   - pem: certificate and unencrypted key in any order, with any further certificates.
  ///   - amphoraID: the name that the certificate must be for; nil when the agent does not know its id.
  ///   - now: seconds since 1970.
  public static func validate(
    pem: some Collection<UInt8>, amphoraID: String?, now: Int64
  ) throws(ServerIdentityError) -> ServerIdentity {
    let identity: ServerIdentity
    do throws(PEMBundleError) {
      let (key, certificate, others) = try PEMBundle(pem: pem).identity()
      identity = ServerIdentity(certificate: certificate, key: key, others: others)
    } catch {
      throw .bundle(error)
    }
    let certificate = identity.certificate
    guard certificate.notAfter >= now else { throw .expired(notAfter: certificate.notAfter, now: now) }
    guard certificate.notBefore - toleratedClockDifference <= now else {
      throw .notYetValid(notBefore: certificate.notBefore, now: now)
    }
    if let amphoraID {
      let names = certificate.hostNames
      guard names.contains(where: { $0.lowercased() == amphoraID.lowercased() }) else {
        throw .wrongName(expected: amphoraID, found: names)
      }
    }
    return identity
  }
}
