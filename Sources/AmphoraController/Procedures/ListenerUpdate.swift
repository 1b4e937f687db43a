// All listeners of a load balancer on one amphora (contract agent-api §4.3, with the removals of §4.5).

import AmphoraProtocol
import FoundationEssentials

/// Brings the listeners of an amphora to what the document says.
struct ListenerUpdate {
  struct Outcome {
    var amphora: AmphoraRecord
    var text: String
  }

  let amphora: AmphoraRecord
  let agent: AmphoraClient
  let secrets: (any SecretSource)?
  let documents: AmphoraDocuments

  private var listeners: [Listener] { documents.desired.loadBalancer.listeners }
  private var loadBalancer: LoadBalancerID { documents.record.id }

  func run() async throws -> Outcome {
    var after = amphora
    _ = try await agent.discover()
    after.haproxyVersion = try await agent.info().haproxyVersion
    guard let version = HAProxyVersion(after.haproxyVersion ?? "") else {
      throw ProcedureError.inconsistent("amphora \(amphora.id) reports no version of haproxy")
    }
    let lvs = listeners.filter { $0.protocol.usesLVS }
    for gone in amphora.lvsListeners where !lvs.contains(where: { $0.id == gone }) {
      try await agent.deleteService(ServiceObjectID(unchecked: gone.rawValue))
    }
    after.lvsListeners = lvs.map(\.id)
    var document = try documents.document(for: amphora, version: version)
    let package = try await TLSPackage.collect(for: document.loadBalancer, from: secrets)
    document.context.certificates.merge(package.fileIDs) { $1 }
    try await deploy(lvs, document)
    try await send(package.files)
    let isServed = listeners.count > lvs.count
    if isServed {
      document.context.amphoraDetails = try await details()
      let text = try HAProxyConfiguration.render(document)
      try await agent.uploadHAProxy(text, loadBalancer: loadBalancer)
      try await agent.control(ServiceObjectID(unchecked: loadBalancer.text), .reload)
    } else if amphora.hasHAProxy {
      try await agent.deleteService(ServiceObjectID(unchecked: loadBalancer.text))
    }
    after.hasHAProxy = isServed
    // Only now: until the reload, haproxy would not have started again without them.
    try await removeFiles(notIn: package, when: isServed)
    after.certificateFiles = package.files.map(\.name.text)
    after.listenersDigest = try documents.listenersDigest(amphora)
    return Outcome(amphora: after, text: summary)
  }

  private func deploy(_ lvs: [Listener], _ document: LoadBalancerDocument) async throws {
    let pools = PoolIndex(document.loadBalancer)
    for listener in lvs {
      let text = KeepalivedLVSConfiguration(checked: document, listener, pools).text()
      try await agent.uploadLVS(text, listener: ListenerID(unchecked: listener.id.rawValue))
      try await agent.control(ServiceObjectID(unchecked: listener.id.rawValue), .reload)
    }
  }

  private func send(_ files: [TLSPackage.File]) async throws {
    for file in files {
      try await agent.ensureCertificate(file.bytes, loadBalancer: loadBalancer, file: file.name)
    }
  }

  /// The agent removes the folder of certificates together with haproxy.
  private func removeFiles(notIn package: TLSPackage, when isServed: Bool) async throws {
    guard isServed else { return }
    for name in amphora.certificateFiles where !package.files.contains(where: { $0.name.text == name }) {
      guard let file = CertificateFileName(name) else { continue }
      try await agent.deleteCertificate(loadBalancer: loadBalancer, file: file)
    }
  }

  private func details() async throws -> AmphoraDetails {
    let body = try await agent.details()
    var details = AmphoraDetails()
    details.cpuCount = body.cpuCount
    details.activeTunedProfiles = body.activeTunedProfiles
    details.memory = .init(free: body.memory.free, buffers: body.memory.buffers, cached: body.memory.cached)
    return details
  }

  private var summary: String {
    let members = documents.desired.loadBalancer.allPools.flatMap(\.presentMembers).count
    let ports = listeners.map { "\($0.protocol.rawValue) \($0.protocolPort)" }.joined(separator: ", ")
    return "\(ports.isEmpty ? "no listeners" : ports); \(members) member\(members == 1 ? "" : "s")"
  }
}
