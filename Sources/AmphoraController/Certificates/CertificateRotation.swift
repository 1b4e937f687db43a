// New certificates for amphorae that serve (contract heartbeat-and-config §5.3): issue, upload, and see that the new one is
// what the next connection gets.

public import AmphoraCrypto
public import AmphoraProtocol

/// A certificate that an amphora serves since its rotation.
public struct RotatedCertificate: Sendable {
  /// The amphora.
  public let amphora: AmphoraID
  /// The certificate that it served before.
  public let previous: X509Certificate
  /// The certificate that it serves now.
  public let current: X509Certificate
}

/// A rotation that did not reach its end.
public enum RotationError: Error, Sendable {
  /// No certificate could be issued; nothing was sent.
  case issuing(amphora: AmphoraID, CertificateAuthorityError)
  /// The agent took the new certificate, and a new connection still shows another one.
  case notServed(amphora: AmphoraID, uploadedSerial: String, servedSerial: String)
}

extension RotationError: CustomStringConvertible {
  /// The error in words.
  public var description: String {
    switch self {
    case .issuing(let amphora, let error): "amphora \(amphora): \(error)"
    case .notServed(let amphora, let uploaded, let served):
      "amphora \(amphora) took the certificate with serial \(uploaded), but shows the one with serial \(served)"
    }
  }
}

/// Rotates the certificates of amphorae.
///
/// A rotation that was interrupted at any point leaves the amphora with the old or the new certificate, both good; the
/// repetition issues another one. Nothing else is kept, so there is nothing to clean up.
public struct CertificateRotation: Sendable {
  /// How far a rotation has come.
  public enum Step: Hashable, Sendable {
    case issued(serial: String)
    case uploaded(serial: String)
    case verified(serial: String)
  }

  /// Octavia's `cert_rotate_threads`.
  public static let defaultWidth = 10

  private let authority: CertificateAuthority
  private let validity: Duration

  /// Makes a rotation.
  ///
  /// - Parameters:
  ///   - authority: the server CA that signs from now on; every controller must trust it already.
  ///   - validity: how long the new certificates last.
  public init(authority: CertificateAuthority, validity: Duration = CertificateAuthority.defaultValidity) {
    self.authority = authority
    self.validity = validity
  }

  /// Gives one amphora a new certificate.
  ///
  /// Throws `RotationError`, `AmphoraClientError`, or `CancellationError`.
  ///
  /// - Parameters:
  ///   - client: the amphora's client; its profile decides how often each request is tried.
  ///   - progress: hears of each step that is done.
  public func rotate(
    _ client: AmphoraClient, progress: (@Sendable (Step) -> Void)? = nil
  ) async throws -> RotatedCertificate {
    let amphora = client.endpoint.amphora
    // An amphora that does not answer is found out before a key is made for it.
    let previous = try await client.servedCertificate()
    let issued: IssuedCertificate
    do { issued = try authority.issueAmphoraCertificate(id: amphora, validity: validity) } catch {
      throw RotationError.issuing(amphora: amphora, error)
    }
    progress?(.issued(serial: issued.serial))
    try await client.rotateCertificate(pem: issued.pem)
    progress?(.uploaded(serial: issued.serial))
    let served = try await client.servedCertificate()
    guard served == issued.certificate else {
      throw RotationError.notServed(amphora: amphora, uploadedSerial: issued.serial, servedSerial: served.serial)
    }
    progress?(.verified(serial: issued.serial))
    return RotatedCertificate(amphora: amphora, previous: previous, current: served)
  }

  /// Rotates several amphorae, some at once; one that fails does not hold up the others.
  ///
  /// - Parameters:
  ///   - clients: one client for each amphora.
  ///   - width: how many amphorae at once.
  ///   - report: hears of each amphora as it ends, one after the other.
  /// - Returns: whether all were rotated.
  @discardableResult
  public func rotateAll(
    _ clients: [AmphoraClient], width: Int = defaultWidth,
    report: (AmphoraID, Result<RotatedCertificate, any Error>) async throws -> Void
  ) async throws -> Bool {
    var areAllDone = true
    try await withThrowingTaskGroup(of: (AmphoraID, Result<RotatedCertificate, any Error>).self) { group in
      var waiting = clients[...]
      func startNext() {
        guard let client = waiting.popFirst() else { return }
        group.addTask {
          do { return (client.endpoint.amphora, .success(try await rotate(client))) } catch {
            return (client.endpoint.amphora, .failure(error))
          }
        }
      }
      for _ in 0..<max(1, width) { startNext() }
      while let (amphora, result) = try await group.next() {
        if case .failure = result { areAllDone = false }
        try await report(amphora, result)
        startNext()
      }
    }
    return areAllDone
  }
}
