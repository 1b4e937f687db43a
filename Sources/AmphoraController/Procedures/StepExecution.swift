// The effects of steps. Each changes the record to what is there now; the caller puts it on disk.

import Addresses
import AmphoraProtocol

/// Carries out steps for one load balancer.
struct StepExecution {
  let compute: any ComputeDriver
  let network: any NetworkDriver
  let settings: ControllerSettings
  let secrets: (any SecretSource)?
  let agents: AgentConnections
  /// The document; nil for a deletion.
  let desired: LoadBalancerDocument?

  /// Carries out a step; the answer says in few words what came of it.
  func perform(_ planned: PlannedStep, on record: inout LoadBalancerRecord) async throws -> String {
    switch planned.step {
    case .reserveVIP(let port), .createPort(let port): try await createPort(port, &record)
    case .changePort(let port): try await changePort(port, &record)
    case .disablePort(let port): try await disablePort(port)
    case .attachPort(let port, let amphora): try await attach(port, amphora, &record)
    case .detachPort(let port, let amphora): try await detach(port, amphora, &record)
    case .deletePort(let port): try await deletePort(port, &record)
    case .buildAmphora(let amphora): try await build(amphora, &record)
    case .awaitAmphora(let amphora): try await awaitAgent(amphora, &record)
    case .deleteAmphora(let amphora): try await delete(amphora, &record)
    case .retireAmphora(let amphora): retire(amphora, &record)
    case .plugVIP(let amphora, let port): try await plugVIP(amphora, port, &record)
    case .plugNetwork(let amphora, let port): try await plugNetwork(amphora, port, &record)
    case .probeAmphora(let amphora): try await probe(amphora, planned, &record)
    case .updateListeners(let amphora): try await updateListeners(amphora, planned, &record)
    case .configureVRRP(let amphora): try await configureVRRP(amphora, planned, &record)
    case .reloadListeners(let amphora): try await reload(amphora, planned, record)
    case .activate: activate(&record)
    case .forget: ""
    }
  }

  // MARK: Ports

  private func createPort(_ id: PortID, _ record: inout LoadBalancerRecord) async throws -> String {
    let port = try known(id, record)
    let isVIP = port.purpose == .vip
    let addresses =
      isVIP
      ? record.vips.map { PortOrder.Address(subnetID: $0.subnetID, address: $0.address) }
      : port.subnets.map { PortOrder.Address(subnetID: $0) }
    let owner = port.amphora.map { "amphora-\($0)" } ?? "loadbalancer-\(record.id)"
    let made = try await network.createPort(
      PortOrder(
        id: id, name: "octavia-\(port.purpose.rawValue)-\(owner)", networkID: port.networkID, addresses: addresses,
        allowedAddresses: port.purpose == .base ? record.vips.map(\.address) : []))
    record.change(id) { $0.made = made }
    return "\(made.macAddress) \(made.text)"
  }

  private func changePort(_ id: PortID, _ record: inout LoadBalancerRecord) async throws -> String {
    let made = try await network.changePort(id, subnets: try known(id, record).subnets)
    record.change(id) { $0.made = made }
    return made.text
  }

  private func disablePort(_ id: PortID) async throws -> String {
    try await network.disablePort(id)
    return ""
  }

  private func attach(_ id: PortID, _ amphora: AmphoraID, _ record: inout LoadBalancerRecord) async throws -> String {
    try await compute.attach(id, to: amphora)
    record.change(id) { $0.isAttached = true }
    return ""
  }

  private func detach(_ id: PortID, _ amphora: AmphoraID, _ record: inout LoadBalancerRecord) async throws -> String {
    try await compute.detach(id, from: amphora)
    record.change(id) {
      $0.isAttached = false
      $0.pluggedSubnets = nil
    }
    return ""
  }

  private func deletePort(_ id: PortID, _ record: inout LoadBalancerRecord) async throws -> String {
    try await network.deletePort(id)
    record.ports.removeAll { $0.id == id }
    return ""
  }

  // MARK: Machines

  private func build(_ id: AmphoraID, _ record: inout LoadBalancerRecord) async throws -> String {
    let certificate = try await settings.issueCertificate(id)
    let files = settings.bootFiles(of: id, topology: record.topology, certificate: certificate)
    try await compute.build(AmphoraOrder(amphora: id, loadBalancer: record.id, files: files))
    record.change(id) {
      $0.status = .booting
      // A repetition finds the machine of the first try, with the first certificate: the earlier date is on the safe side.
      $0.certificateExpiry = min($0.certificateExpiry ?? .max, certificate.notAfter)
    }
    return "certificate and configuration for \(id)"
  }

  private func awaitAgent(_ id: AmphoraID, _ record: inout LoadBalancerRecord) async throws -> String {
    let address = try await managementAddress(of: id)
    record.change(id) {
      $0.address = AddressText(address.address.description)
      $0.zone = address.zone
      $0.agentPort = address.port
    }
    let agent = try await agents.client(of: known(id, record))
    let version = try await agent.discover()
    let info = try await agent.info()
    record.change(id) {
      $0.haproxyVersion = info.haproxyVersion
      $0.isReachable = true
      $0.status = .allocated
    }
    return "\(address.address), API \(version), haproxy \(info.haproxyVersion), keepalived \(info.keepalivedVersion)"
  }

  private func managementAddress(of id: AmphoraID) async throws -> ManagementAddress {
    for attempt in 1... {
      if let address = try await compute.address(of: id) { return address }
      guard attempt < settings.buildPatience.attempts else { break }
      try await Task.sleep(for: settings.buildPatience.pause)
    }
    throw ProcedureError.notBuilt(id, reason: "is not built after \(settings.buildPatience.attempts) looks")
  }

  private func delete(_ id: AmphoraID, _ record: inout LoadBalancerRecord) async throws -> String {
    try await compute.delete(id)
    record.amphorae.removeAll { $0.id == id }
    return ""
  }

  private func retire(_ id: AmphoraID, _ record: inout LoadBalancerRecord) -> String {
    record.change(id) { $0.status = .pendingDelete }
    return ""
  }

  private func activate(_ record: inout LoadBalancerRecord) -> String {
    record.status = .active
    let names = record.servingAmphorae.map { "\($0.role.rawValue) \($0.id)" }
    return names.joined(separator: ", ")
  }

  func known(_ id: AmphoraID, _ record: LoadBalancerRecord) throws -> AmphoraRecord {
    guard let amphora = record.amphora(id) else { throw ProcedureError.inconsistent("amphora \(id) is not on record") }
    return amphora
  }

  func known(_ id: PortID, _ record: LoadBalancerRecord) throws -> PortRecord {
    guard let port = record.port(id) else { throw ProcedureError.inconsistent("port \(id) is not on record") }
    return port
  }
}

extension NetworkPort {
  /// Its addresses, for people.
  var text: String { addresses.map(\.address.rawValue).joined(separator: ", ") }
}
