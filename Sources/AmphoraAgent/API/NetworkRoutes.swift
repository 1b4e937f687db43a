// Routes 14, 15, 20 and 21: plugging NICs, finding interfaces, and the firewall of SR-IOV ports.

import Addresses
import AmphoraProtocol

/// The network routes.
package struct NetworkRoutes: Sendable {
  private let interfaces: AgentInterfaces

  init(interfaces: AgentInterfaces) { self.interfaces = interfaces }

  func plugVIP(_ vip: IPAddress, _ body: PlugVIPBody) async throws -> APIResponse {
    let plug = try VIPPlug(vip: vip.description, body: body)
    return try await answer("VIP") { try await interfaces.plugger.plugVIP(plug, topology: interfaces.topology) }
  }

  func plugNetwork(_ body: PlugNetworkBody) async throws -> APIResponse {
    let plug = try NetworkPlug(body: body)
    return try await answer(plug.vips == nil ? "network" : "vip") {
      try await interfaces.plugger.plugNetwork(plug, topology: interfaces.topology)
    }
  }

  /// The interface must be there, but which one it is does not matter: the rules are the VIP port's.
  func setRules(_ address: IPAddress, _ body: () throws -> [VIPRule]) async throws -> APIResponse {
    _ = try await find(address)
    try await interfaces.plugger.allow(body())
    return .ok(200)
  }

  func find(_ address: IPAddress) async throws -> APIResponse {
    guard let name = try await interfaces.lookup.interface(holding: address) else {
      throw AddressNotFound(address: address)
    }
    return .json(200, InterfaceNameBody(interface: name))
  }

  private func answer(_ what: String, _ plug: () async throws -> InterfacePlugger.Outcome) async throws -> APIResponse {
    do {
      guard let details = try await plug().details else {
        return .json(409, MessageBody(message: "Interface already exists"))
      }
      return .ok(202, details: details)
    } catch let error as PlugError {
      throw PlugFailure(what: what, error: error)
    }
  }
}

/// A plug that failed, with the contract's word for its kind.
struct PlugFailure: Error, CustomStringConvertible {
  let what: String
  let error: PlugError

  var description: String { "plugging \(what): \(error)" }
}

/// No interface has the address.
struct AddressNotFound: Error {
  let address: IPAddress
}
