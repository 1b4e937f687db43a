// Tenants' certificates that haproxy needs: there, with their keys, and valid.

import AmphoraCrypto
import AmphoraProtocol
import Files

/// Whether haproxy can start with the certificates that its configuration names, and whether clients accept them.
struct TenantCertificatesCheck: DoctorCheck {
  let name = "tenant-certificates"
  var machine = Machine()

  /// Who renews by machine does it at 30 days; at 14 somebody has forgotten.
  private static let noticePeriod = 14

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    if CertificateDisk.isMissing(amphora, machine) {
      return [
        .failure(
          name, "\(amphora.paths.certificates) is not the encrypted RAM disk: keys would outlive the amphora",
          remedy: CertificateDisk.remedy)
      ]
    }
    let store = LoadBalancerStore(paths: amphora.paths)
    var (findings, count): ([Finding], Int) = ([], 0)
    for id in store.ids() {
      let references = CertificateReferences(of: id, paths: amphora.paths)
      count += references.present.count
      if let missing = references.missing.first {
        findings.append(absent(id, missing, references, amphora.paths))
      }
      findings += references.present.compactMap { judge($0, id) }
    }
    if findings.isEmpty, count > 0 {
      findings.append(.pass(name, "\(Readable.count(count, "file")) that haproxy needs: there and valid"))
    }
    return findings
  }

  private func absent(
    _ id: LoadBalancerID, _ first: CertificateReferences.File, _ references: CertificateReferences, _ paths: AgentPaths
  ) -> Finding {
    let folder = paths.certificateDirectory(of: id)
    let isEmpty = FileRead.names(in: folder).isEmpty
    let evidence =
      isEmpty
      ? "\(folder) is empty, as after a reboot, and haproxy.cfg names \(first.name) and others in it"
      : "\(folder) lacks \(Readable.count(references.missing.count, "file")) that haproxy.cfg names, such as \(first.name)"
    return .failure(name, evidence, remedy: "openstack loadbalancer failover \(id)")
  }

  private func judge(_ file: CertificateReferences.File, _ id: LoadBalancerID) -> Finding? {
    let resend = "openstack loadbalancer failover \(id)"
    do {
      let bytes = try FileRead.bytes(file.path, limit: 1 << 20)
      let isCRL = String(decoding: bytes.prefix(40), as: UTF8.self).contains("X509 CRL")
      // Revocation lists and crt-lists have no key and no such dates.
      guard !isCRL, bytes.starts(with: "-----BEGIN".utf8) else { return nil }
      let bundle = try PEMBundle(pem: bytes)
      // A file without key is a CA of clients or members.
      guard let certificate = bundle.privateKeys.isEmpty ? bundle.certificates.first : try bundle.identity().certificate
      else { return .failure(name, "\(file.path): no certificate in it", remedy: resend) }
      return life(of: certificate, file)
    } catch {
      return .failure(name, error is DurableFile.Failure ? "\(error)" : "\(file.path): \(error)", remedy: resend)
    }
  }

  private func life(of certificate: X509Certificate, _ file: CertificateReferences.File) -> Finding? {
    let subject = certificate.hostNames.first ?? certificate.subject
    let renewal =
      file.listener.map {
        "openstack loadbalancer listener set --default-tls-container-ref REF \($0) (or --sni-container-refs)"
      } ?? "openstack loadbalancer pool set or listener set with the reference of a new secret"
    let remedy = "the tenant stores a new one, then: \(renewal)"
    switch CertificateLife(certificate, now: machine.now()) {
    case .over(let text), .notBegun(let text):
      return .failure(name, "\(subject) (\(file.path)) \(text)", remedy: remedy)
    case .valid(let days, let until) where days < Self.noticePeriod:
      let text = "\(subject) (\(file.path)) expires on \(until), in \(Readable.count(days, "day"))"
      return .warning(name, text, remedy: remedy)
    case .valid: return nil
    }
  }
}

/// The files below a load balancer's folder of certificates that its configuration names, by itself or in a crt-list.
struct CertificateReferences {
  /// A file, and the listener that uses it, where a crt-list tells (its name is the listener's id).
  struct File: Hashable {
    let path: String
    let listener: ListenerID?
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
  }

  private(set) var present: [File] = []
  private(set) var missing: [File] = []

  init(of id: LoadBalancerID, paths: AgentPaths) {
    let folder = paths.certificateDirectory(of: id) + "/"
    guard let text = try? FileRead.bytes(paths.configuration(of: id)) else { return }
    var seen: Set<String> = []
    var queue = Self.files(in: text, below: folder, listener: nil)
    while !queue.isEmpty {
      let file = queue.removeFirst()
      guard seen.insert(file.path).inserted else { continue }
      guard FileRead.exists(file.path) else {
        missing.append(file)
        continue
      }
      present.append(file)
      guard let listener = ListenerID(file.name.dropLast(".pem".count)), let content = try? FileRead.bytes(file.path),
        !content.starts(with: "-----BEGIN".utf8)
      else { continue }
      queue += Self.files(in: content, below: folder, listener: listener)
    }
  }

  private static func files(in text: [UInt8], below folder: String, listener: ListenerID?) -> [File] {
    CertificateStore.words(text).filter { $0.hasPrefix(folder) && $0.count > folder.count }.sorted()
      .map { File(path: $0, listener: listener) }
  }
}
