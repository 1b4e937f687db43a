// The two files that a controller's connection stands on: the agent's certificate and the CA of controllers' certificates.

import AmphoraCrypto
import Files
import Glibc

/// Whether controllers will accept the agent's certificate.
struct AgentCertificateCheck: DoctorCheck {
  let name = "agent-certificate"
  var machine = Machine()

  /// Controllers replace a certificate that has less than 14 days left, looking once an hour (contract heartbeat-and-config
  /// §5.3: `cert_expiry_buffer`, `cert_interval`), out of 30 at first; a day later that has failed.
  private static let rotationIsOverdue = 13

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let configuration = amphora.validConfiguration else { return [] }
    let file = configuration.agentServerCert
    do {
      let bytes = try FileRead.bytes(file, limit: 1 << 20)
      let (_, certificate, others) = try PEMBundle(pem: bytes).identity()
      return judge(certificate, others, configuration, amphora)
    } catch let error as DurableFile.Failure {
      return [.failure(name, "\(error)", remedy: amphora.failover)]
    } catch {
      return [.failure(name, "\(file): \(error)", remedy: amphora.failover)]
    }
  }

  private func judge(
    _ certificate: X509Certificate, _ others: [X509Certificate], _ configuration: AgentConfiguration,
    _ amphora: LocalAmphora
  ) -> [Finding] {
    let file = configuration.agentServerCert
    if let id = configuration.amphoraID, !certificate.hostNames.contains(where: { $0.lowercased() == id.lowercased() })
    {
      let names = certificate.hostNames.joined(separator: ", ")
      return [
        .failure(
          name, "\(file) is for \(names.isEmpty ? "nobody" : names), and controllers expect \(id)",
          remedy: amphora.failover)
      ]
    }
    let remedy = "if `date` is wrong: \(CertificateLife.clockRemedy); if it is right: \(amphora.failover)"
    switch CertificateLife(certificate, now: machine.now()) {
    case .over(let text), .notBegun(let text): return [.failure(name, "\(file) \(text)", remedy: remedy)]
    case .valid(let days, let until):
      if let reason = refusal(certificate, others, configuration) {
        return [.failure(name, "\(file): \(reason)", remedy: amphora.failover)]
      }
      if days < Self.rotationIsOverdue {
        return [
          .warning(
            name, "\(file) expires on \(until), in \(Readable.count(days, "day")); controllers replace it at 14 days",
            remedy: "look for errors in octavia-housekeeping's log, or: \(amphora.failover)")
        ]
      }
      if let mode = SecretFile.looseMode(file) {
        return [
          .warning(name, "\(file) has mode \(mode), others than root read the key", remedy: SecretFile.remedy(file))
        ]
      }
      return [.pass(name, "\(file) fits its key and is valid until \(until)")]
    }
  }

  /// Why the certificate does not verify, as far as an amphora can tell.
  ///
  /// The CA that signed it is not here, only controllers have it, unless it came along in the file or is the clients' CA
  /// too; without it, or with another one of the same name, there is nothing to verify.
  private func refusal(
    _ certificate: X509Certificate, _ others: [X509Certificate], _ configuration: AgentConfiguration
  ) -> String? {
    let clientCAs = (try? FileRead.bytes(configuration.agentServerCA, limit: 1 << 20)).flatMap {
      try? PEMBundle(pem: $0)
    }
    let authorities = (others + (clientCAs?.certificates ?? [])).filter(\.isCA)
    do {
      try certificate.verify(authorities: authorities, intermediates: others, purpose: .server, now: machine.now())
      return nil
    } catch let error as CertificateVerificationError where !Self.issuerIsElsewhere.contains(error.code) {
      return error.reason
    } catch {
      return nil
    }
  }

  /// X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, …_LEAF_SIGNATURE, …_ISSUER_CERT_LOCALLY, …_VERIFY_LEAF_SIGNATURE and
  /// DEPTH_ZERO_SELF_SIGNED_CERT (openssl/x509_vfy.h).
  private static let issuerIsElsewhere: Set<Int> = [2, 4, 20, 21, 18]
}

/// Whether the agent can tell controllers from others.
struct ClientCACheck: DoctorCheck {
  let name = "client-ca"
  var machine = Machine()

  /// No call replaces it (contract heartbeat-and-config §5.3), so people must: they get a month.
  private static let noticePeriod = 30

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let configuration = amphora.validConfiguration else { return [] }
    let file = configuration.agentServerCA
    let certificates: [X509Certificate]
    do {
      certificates = try PEMBundle(pem: try FileRead.bytes(file, limit: 1 << 20)).certificates
    } catch {
      return [.failure(name, error is DurableFile.Failure ? "\(error)" : "\(file): \(error)", remedy: amphora.failover)]
    }
    guard let longest = certificates.filter(\.isCA).max(by: { $0.notAfter < $1.notAfter }) else {
      let found = certificates.first.map { "\($0.subject) in it is no CA" } ?? "there is no certificate in it"
      return [.failure(name, "\(file): \(found)", remedy: amphora.failover)]
    }
    switch CertificateLife(longest, now: machine.now()) {
    case .over(let text), .notBegun(let text):
      return [
        .failure(
          name, "\(file): \(longest.subject) \(text)",
          remedy:
            "if `date` is wrong: \(CertificateLife.clockRemedy); else give the controllers a new client CA and certificate, "
            + "then: \(amphora.failover)")
      ]
    case .valid(let days, let until) where days < Self.noticePeriod:
      return [
        .warning(
          name, "\(file): \(longest.subject) expires on \(until), in \(Readable.count(days, "day")), for all amphorae",
          remedy: "give the controllers a new client CA and certificate, then: \(amphora.failover)")
      ]
    case .valid(_, let until): return [.pass(name, "\(file) is a CA, valid until \(until)")]
    }
  }
}

/// Files that nobody but root may read.
enum SecretFile {
  /// The file's mode in octal digits, when others than its owner may read or write it.
  static func looseMode(_ path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & 0o077 != 0 else { return nil }
    return String(status.st_mode & 0o7777, radix: 8)
  }

  static func remedy(_ path: String) -> String { "chmod 0600 \(path)" }
}
