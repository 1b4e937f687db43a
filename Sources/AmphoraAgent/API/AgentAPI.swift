// From a request to its answer: the route is parsed, changing requests wait their turn, errors become answers in one place.

import AmphoraCrypto
import AmphoraProtocol
import Files
package import Logging

/// The API of contract agent-api, apart from HTTP itself.
package struct AgentAPI: Sendable {
  let loadBalancers: LoadBalancers
  let lvs: LVSListeners
  let certificates: CertificateStore
  let vrrp: VRRPService
  let networks: NetworkRoutes
  let agent: AgentFiles
  let facts: AmphoraFacts
  let health: AgentHealth
  /// Told where each changing request stands.
  let requests: RequestLedger
  let lanes = OperationLanes<APIResponse>()

  package init(
    loadBalancers: LoadBalancers, lvs: LVSListeners, certificates: CertificateStore, vrrp: VRRPService,
    networks: NetworkRoutes, agent: AgentFiles, facts: AmphoraFacts, health: AgentHealth,
    requests: RequestLedger = RequestLedger()
  ) {
    self.loadBalancers = loadBalancers
    self.lvs = lvs
    self.certificates = certificates
    self.vrrp = vrrp
    self.networks = networks
    self.agent = agent
    self.facts = facts
    self.health = health
    self.requests = requests
  }

  /// Answers a request; every failure is an answer too.
  package func respond(to request: APIRequest, logger: Logger) async -> APIResponse {
    do {
      if request.method == "OPTIONS" { return try Self.options(request.path) }
      let route = try AgentRoute.parse(method: request.method, path: request.path)
      return try await answer(route, request, logger)
    } catch {
      return ErrorMapper.response(to: error, logger: logger)
    }
  }

  private static func options(_ path: String) throws -> APIResponse {
    let methods = AgentRoute.allowedMethods(path: path)
    guard !methods.isEmpty else { throw RouteRejection.notFound }
    return APIResponse(status: 200, contentType: "application/json", allow: allow(methods), body: [])
  }

  /// The value of `Allow`: GET implies HEAD, and OPTIONS is always there.
  static func allow(_ methods: [AgentMethod]) -> String {
    let names = methods.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] } + ["OPTIONS"]
    return names.joined(separator: ", ")
  }

  private func answer(_ route: AgentRoute, _ request: APIRequest, _ logger: Logger) async throws -> APIResponse {
    switch route {
    case .discovery: .json(200, APIVersionBody())
    case .info: .json(200, try await facts.info())
    case .details: .json(200, try await facts.details())
    case .listListeners: .json(200, try await loadBalancers.listeners() + lvs.list())
    case .downloadHAProxy(let id): try await downloadHAProxy(id)
    case .downloadLVS(let id): .text(try await lvs.download(id))
    case .getCertificate(let id, let name): try await certificate(id, name)
    case .findInterface(let address): try await networks.find(address)
    case .health: await Self.response(health.report())
    case .uploadHAProxy, .uploadLVS, .control, .deleteService, .putCertificate, .deleteCertificate, .plugVIP,
      .plugNetwork,
      .setInterfaceRules, .rotateCertificate, .updateConfiguration, .uploadVRRP, .controlVRRP:
      try await change(route, request, logger)
    }
  }

  /// 503 for a fault, so that whoever asks needs to look at the status only; controllers, to whom 503 is final (contract
  /// agent-api §1.4), do not ask this.
  private static func response(_ health: AgentHealthBody) -> APIResponse {
    .json(health.status == .ready ? 200 : 503, health)
  }

  /// Reads the body, then runs the change in its lane.
  private func change(_ route: AgentRoute, _ request: APIRequest, _ logger: Logger) async throws -> APIResponse {
    let body = try request.body.get()
    let fingerprint = "\(route.method.rawValue) \(route.path) \(Digest.hex(Digest.sha256(body)))"
    let lane = Self.lane(of: route)
    requests.move(RequestID.current, to: .waiting(lane))
    return await lanes.run(lane, fingerprint: fingerprint) {
      requests.move(RequestID.current, to: .holding(lane))
      return await KillPoint.counting(.request) {
        do {
          return try await perform(route, body, contentType: request.contentType)
        } catch {
          return ErrorMapper.response(to: error, logger: logger)
        }
      }
    }
  }

  private func perform(_ route: AgentRoute, _ body: [UInt8], contentType: String?) async throws -> APIResponse {
    switch route {
    case .uploadHAProxy(let amphora, let id): try await uploadHAProxy(id, amphora, body)
    case .uploadLVS(_, let id): .ok(200, eTag: try await lvs.upload(body, to: id))
    case .control(let id, let action): try await control(id, action)
    case .deleteService(let id): try await deleteService(id)
    case .putCertificate(let id, let name): .ok(200, eTag: try await certificates.put(body, name, of: id))
    case .deleteCertificate(let id, let name): try await deleteCertificate(id, name)
    case .plugVIP(let address): try await networks.plugVIP(address, try JSONBody.decode(body, contentType, as: .subnet))
    case .plugNetwork: try await networks.plugNetwork(try JSONBody.decode(body, contentType, as: .port))
    case .setInterfaceRules(let address):
      try await networks.setRules(address) { try JSONBody.decode(body, contentType, as: .rules) }
    case .rotateCertificate: try await rotateCertificate(body)
    case .updateConfiguration: try await updateConfiguration(body)
    case .uploadVRRP: .ok(200, eTag: try await vrrp.upload(body))
    case .controlVRRP(let action): .ok(202, details: "keepalived \(try await vrrp.control(action).pastTense)")
    default: throw RouteRejection.notFound
    }
  }

  /// The largest body that a request may have, in bytes; a larger one is refused with 400.
  ///
  /// Controllers send configurations of some hundred kilobytes at most, and PEM or JSON of a few (contract agent-api §5 W4).
  package static func bodyLimit(method: String, path: String) -> Int {
    guard let route = try? AgentRoute.parse(method: method, path: path) else { return 0 }
    return switch route {
    case .uploadHAProxy, .uploadLVS, .uploadVRRP: 16 << 20
    case .control, .deleteService, .deleteCertificate, .controlVRRP: 64 << 10
    default: 1 << 20
    }
  }

  private static func lane(of route: AgentRoute) -> Lane {
    switch route {
    case .uploadHAProxy(_, let id), .putCertificate(let id, _), .deleteCertificate(let id, _): .object(id.text)
    case .uploadLVS(_, let id): .object(id.text)
    case .control(let id, _), .deleteService(let id): .object(id.text)
    case .plugVIP, .plugNetwork, .setInterfaceRules: .network
    case .uploadVRRP, .controlVRRP: .vrrp
    default: .agent
    }
  }
}
