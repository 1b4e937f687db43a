// From what a load balancer is to be, and what was made for it, to what one amphora gets.

import AmphoraCrypto
import AmphoraProtocol
import FoundationEssentials

/// The documents from which an amphora's files are rendered.
struct AmphoraDocuments {
  let desired: LoadBalancerDocument
  let record: LoadBalancerRecord

  /// The document for an amphora: the desired one, with the amphorae and subnets that there are.
  func document(
    for amphora: AmphoraRecord, version: HAProxyVersion, details: AmphoraDetails? = nil
  ) throws -> LoadBalancerDocument {
    var document = desired
    document.context.topology = record.topology
    document.context.hostAmphoraID = try objectID(amphora.id)
    document.context.amphorae = try record.servingAmphorae.map(entry)
    document.context.haproxyVersion = version
    document.context.amphoraDetails = details
    document.context.vrrpGroup = record.vrrpGroup
    document.context.subnets = record.subnets.mapValues(\.subnet)
    return document
  }

  /// What an amphora's listeners depend on, as a digest: when it is the same, an update would change nothing.
  ///
  /// What the amphora reports of itself is left out: it is known only once the amphora is there.
  func listenersDigest(_ amphora: AmphoraRecord) throws -> String {
    guard let any = HAProxyVersion("0.0") else { throw ProcedureError.inconsistent("version") }
    var document = try document(for: amphora, version: any)
    document.context.subnets = [:]
    for index in document.context.amphorae.indices { document.context.amphorae[index].vrrpInterface = nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return Digest.hex(Digest.sha256(try encoder.encode(document)))
  }

  /// The text of keepalived.conf; nil for a single amphora, and while its address or interface is not known.
  func vrrpConfiguration(_ amphora: AmphoraRecord) throws -> String? {
    guard record.topology == .activeStandby, amphora.vrrpInterface != nil, vrrpAddress(amphora) != nil,
      let any = HAProxyVersion("0.0")
    else { return nil }
    return try KeepalivedVRRPConfiguration.render(document(for: amphora, version: any))
  }

  /// That text as a digest.
  func vrrpDigest(_ amphora: AmphoraRecord) throws -> String? {
    try vrrpConfiguration(amphora).map { Digest.hex(Digest.sha256($0.utf8)) }
  }

  /// An amphora's own address in the main VIP's subnet.
  func vrrpAddress(_ amphora: AmphoraRecord) -> AddressText? {
    let subnet = record.vips.first?.subnetID
    return record.basePort(of: amphora.id)?.made?.addresses.first { $0.subnetID == subnet }?.address
  }

  private func entry(_ amphora: AmphoraRecord) throws -> Amphora {
    var entry = Amphora(id: try objectID(amphora.id))
    entry.vrrpIP = vrrpAddress(amphora)
    entry.vrrpInterface = amphora.vrrpInterface
    // One virtual router per load balancer, between two unicast peers: the number need not differ between them.
    entry.vrrpID = 1
    entry.vrrpPriority = amphora.role.vrrpPriority
    return entry
  }

  private func objectID(_ id: AmphoraID) throws -> ObjectID {
    guard let object = ObjectID(id.text) else { throw ProcedureError.inconsistent("amphora id \(id) is no UUID") }
    return object
  }
}
