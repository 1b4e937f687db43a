// amphoractl show: what is on record of load balancers, and whether their amphorae answer.

import Addresses
import AmphoraController
import AmphoraProtocol
import ArgumentParser

struct ShowCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show load balancers, or one of them with its amphorae.",
    discussion: "EXAMPLE: amphoractl show 0b1f9a51")

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The load balancer's id, or the beginning of it; all without.")
  var loadBalancer: String?

  @Flag(help: "Do not ask amphorae whether they are there.")
  var offline = false

  func execute(_ context: CommandContext) async throws {
    let state = try context.stateDirectory
    guard let loadBalancer else { return try showAll(state, context.output) }
    let id = try context.loadBalancer(loadBalancer)
    guard let record = try state.record(id), let desired = try state.desired(id) else {
      throw CommandFailure(.failed, "load balancer \(id) has just gone")
    }
    var amphorae: [AmphoraBody] = []
    for amphora in record.amphorae { amphorae.append(try await body(amphora, record, context)) }
    let body = LoadBalancerBody(record, desired, amphorae, isInterrupted: try state.hasInterruptedRun(id))
    try context.output.result(body, text: body.text(context.output.style))
  }

  private func showAll(_ state: StateDirectory, _ output: Output) throws {
    let records = try state.loadBalancers().compactMap { try state.record($0) }
    var table = Table(["ID", "STATUS", "TOPOLOGY", "VIP", "AMPHORAE"])
    for record in records {
      table.append([
        .init(record.id.text), .init(record.status.rawValue), .init(record.topology.rawValue),
        .init(record.vips.first?.address.rawValue ?? ""), .init("\(record.amphorae.count)"),
      ])
    }
    let bodies = try records.map { record in
      LoadBalancerBody(record, nil, [], isInterrupted: try state.hasInterruptedRun(record.id))
    }
    try output.result(bodies, text: records.isEmpty ? "no load balancers" : table.text(style: output.style))
  }

  /// An amphora with what it says of itself now.
  private func body(
    _ amphora: AmphoraRecord, _ record: LoadBalancerRecord, _ context: CommandContext
  ) async throws -> AmphoraBody {
    var body = AmphoraBody(amphora, record)
    guard !offline, let text = amphora.address, let address = IPAddress(text.rawValue) else { return body }
    let endpoint = AmphoraEndpoint(
      amphora: amphora.id, address: address, zone: amphora.zone, port: amphora.agentPort ?? 9443)
    let client = try AmphoraClient(
      endpoint: endpoint, credentials: try context.credentials(), retry: .once,
      timeouts: RequestTimeouts(connect: .seconds(2), read: .seconds(5)))
    do {
      _ = try await client.discover()
      body.answers = true
      if let vip = record.vips.first.flatMap({ IPAddress($0.address.rawValue) }) {
        body.hasVIP = (try? await client.findInterface(vip)) != nil
      }
    } catch { body.answers = false }
    try await client.shutdown()
    return body
  }
}

/// An amphora as it is shown.
struct AmphoraBody: Encodable {
  let id: String
  let role: String
  let status: String
  let address: String?
  let vipNetworkAddress: String?
  let haproxyVersion: String?
  let certificateNotAfter: String?
  var answers: Bool?
  var hasVIP: Bool?

  enum CodingKeys: String, CodingKey {
    case id, role, status, address, answers
    case vipNetworkAddress = "vip_network_address"
    case haproxyVersion = "haproxy_version"
    case certificateNotAfter = "certificate_not_after"
    case hasVIP = "has_vip"
  }

  init(_ amphora: AmphoraRecord, _ record: LoadBalancerRecord) {
    id = amphora.id.text
    role = amphora.role.rawValue
    status = amphora.status.rawValue
    address = amphora.address?.rawValue
    vipNetworkAddress = record.basePort(of: amphora.id)?.made?.addresses.first?.address.rawValue
    haproxyVersion = amphora.haproxyVersion
    certificateNotAfter = amphora.certificateExpiry.map { Quantity.iso8601(unixTime: $0) }
  }

  /// Whether it answers, in a word.
  var state: String {
    switch answers {
    case true: hasVIP == true ? "yes, has the VIP" : "yes"
    case false: "no"
    default: "?"
    }
  }
}

/// A load balancer as it is shown.
struct LoadBalancerBody: Encodable {
  let id: String
  let status: String
  let topology: String
  let vips: [String]
  let listeners: [String]
  let interrupted: Bool
  let amphorae: [AmphoraBody]

  init(
    _ record: LoadBalancerRecord, _ desired: LoadBalancerDocument?, _ amphorae: [AmphoraBody], isInterrupted: Bool
  ) {
    id = record.id.text
    status = record.status.rawValue
    topology = record.topology.rawValue
    vips = record.vips.map(\.address.rawValue)
    listeners = (desired?.loadBalancer.listeners ?? []).map { "\($0.protocol.rawValue) \($0.protocolPort)" }
    interrupted = isInterrupted
    self.amphorae = amphorae
  }

  func text(_ style: TextStyle) -> String {
    var table = Table(["AMPHORA", "ROLE", "STATUS", "ADDRESS", "VIP NETWORK", "HAPROXY", "ANSWERS"])
    for amphora in amphorae {
      table.append([
        .init(amphora.id), .init(amphora.role), .init(amphora.status), .init(amphora.address ?? ""),
        .init(amphora.vipNetworkAddress ?? ""), .init(amphora.haproxyVersion ?? ""),
        .init(amphora.state, style: amphora.answers == false ? style.bad : nil),
      ])
    }
    let rest = interrupted ? "\nA run was interrupted: apply, failover or delete continues it." : ""
    return Terminal.safe("\(id)  \(status)  \(topology)\nVIP        \(vips.joined(separator: ", "))\n")
      + Terminal.safe("listeners  \(listeners.isEmpty ? "none" : listeners.joined(separator: ", "))\n\n")
      + table.text(style: style) + rest
  }
}
