// Steps in words, as a plan shows them.

import Addresses
import AmphoraProtocol

/// Names the steps of a load balancer's plan.
struct StepNames {
  let record: LoadBalancerRecord

  func name(of step: ProcedureStep) -> String {
    switch step {
    case .reserveVIP: "reserve the VIP \(record.vips.map(\.address.rawValue).joined(separator: ", "))"
    case .retireAmphora(let id): "take \(amphora(id)) out of service"
    case .buildAmphora(let id): "build \(amphora(id))"
    case .awaitAmphora(let id): "wait for the agent of \(amphora(id))"
    case .createPort(let id): "create \(port(id))"
    case .changePort(let id): "change the addresses of \(port(id))"
    case .disablePort(let id): "disable \(port(id))"
    case .attachPort(let id, _): "attach \(port(id))"
    case .plugVIP(let id, _): "plug the VIP into \(amphora(id))"
    case .plugNetwork(let id, let port): "plug \(network(port)) into \(amphora(id))"
    case .probeAmphora(let id): "probe \(amphora(id))"
    case .updateListeners(let id): "update the listeners of \(amphora(id))"
    case .configureVRRP(let id): "configure and start VRRP on \(amphora(id))"
    case .reloadListeners(let id): "reload the listeners of \(amphora(id))"
    case .detachPort(let id, _): "detach \(port(id))"
    case .deletePort(let id): "delete \(port(id))"
    case .deleteAmphora(let id): "delete \(amphora(id))"
    case .activate: "mark the load balancer active"
    case .forget: "forget the load balancer"
    }
  }

  /// Role and the id's first eight digits: enough to tell a load balancer's amphorae apart.
  private func amphora(_ id: AmphoraID) -> String {
    let role = record.amphora(id).map { "\($0.role.rawValue) " } ?? ""
    return "\(role)amphora \(id.text.prefix(8))"
  }

  private func port(_ id: PortID) -> String {
    guard let port = record.port(id) else { return "port \(id.rawValue.prefix(8))" }
    let owner = port.amphora.map { " of amphora \($0.text.prefix(8))" } ?? ""
    return switch port.purpose {
    case .vip: "the VIP's port"
    case .base: "the VIP network's port\(owner)"
    case .member: "the port in \(network(id))\(owner)"
    }
  }

  private func network(_ id: PortID) -> String {
    guard let port = record.port(id) else { return "network" }
    return port.subnets.compactMap { record.subnets[$0]?.subnet.network.description }.joined(separator: ", ")
  }
}
