// One method per route of contract agent-api §2, with the answers that count as success in §1.5.

public import Addresses
public import AmphoraProtocol
import FoundationEssentials

extension AmphoraClient {
  /// Whether the agent knew what was asked of it.
  public enum Support: Hashable, Sendable {
    case done
    /// The agent answers 404: its image is too old for this.
    case notSupported
  }

  /// What became of a plug.
  public enum PlugOutcome: Hashable, Sendable {
    /// The agent's details, naming the interface.
    case plugged(String)
    /// 409: the interface is there already, as after a repeated request.
    case alreadyPlugged
  }

  /// `GET /`: the API version.
  public func discover() async throws -> String {
    try await decoded(APIVersionBody.self, .discovery).apiVersion
  }

  /// `GET /1.0/info`: host name and versions.
  public func info() async throws -> InfoBody { try await decoded(InfoBody.self, .info) }

  /// `GET /1.0/details`: state in numbers.
  public func details() async throws -> DetailsBody { try await decoded(DetailsBody.self, .details) }

  /// `PUT /1.0/loadbalancer/{amphora}/{lb}/haproxy`: checks and stores a configuration; haproxy is not reloaded.
  public func uploadHAProxy(_ configuration: String, loadBalancer: LoadBalancerID) async throws {
    _ = try await perform(
      .uploadHAProxy(amphora: endpoint.amphora, loadBalancer: loadBalancer), body: .raw(Array(configuration.utf8)))
  }

  /// `GET /1.0/loadbalancer/{lb}/haproxy`: the stored configuration.
  public func downloadHAProxy(_ loadBalancer: LoadBalancerID) async throws -> String {
    try await perform(.downloadHAProxy(loadBalancer)).text
  }

  /// `PUT /1.0/loadbalancer/{id}/{action}`: starts, stops or reloads haproxy, or keepalived of a UDP/SCTP listener.
  @discardableResult
  public func control(_ object: ServiceObjectID, _ action: ServiceAction) async throws -> MessageBody {
    try await decoded(MessageBody.self, .control(object, action))
  }

  /// `DELETE /1.0/listeners/{id}`: stops and removes; an object that is not there is fine.
  public func deleteService(_ object: ServiceObjectID) async throws {
    _ = try await unlessNotFound { try await perform(.deleteService(object)) }
  }

  /// `GET /1.0/listeners`: the listeners that the agent has.
  public func listListeners() async throws -> [ListenerStatusBody] {
    try await decoded([ListenerStatusBody].self, .listListeners)
  }

  /// `PUT /1.0/listeners/{amphora}/{listener}/udp_listener`: stores keepalived's configuration; nothing is started.
  public func uploadLVS(_ configuration: String, listener: ListenerID) async throws {
    _ = try await perform(
      .uploadLVS(amphora: endpoint.amphora, listener: listener), body: .raw(Array(configuration.utf8)))
  }

  /// `GET /1.0/listeners/{listener}/udp_listener`: the stored configuration.
  public func downloadLVS(_ listener: ListenerID) async throws -> String {
    try await perform(.downloadLVS(listener)).text
  }

  /// `POST /1.0/plug/vip/{vip}`: takes a hot-plugged NIC as VIP port; asks again until the NIC shows up.
  @discardableResult
  public func plugVIP(_ vip: IPAddress, _ body: PlugVIPBody) async throws -> PlugOutcome {
    try await plug(.plugVIP(vip), body)
  }

  /// `POST /1.0/plug/network`: takes a hot-plugged NIC as member port, or changes one.
  @discardableResult
  public func plugNetwork(_ body: PlugNetworkBody) async throws -> PlugOutcome { try await plug(.plugNetwork, body) }

  /// `PUT /1.0/certificate`: replaces the agent's own certificate; the next connection sees the new one.
  public func rotateCertificate(pem: String) async throws {
    _ = try await perform(.rotateCertificate, body: .raw(Array(pem.utf8)))
  }

  /// `PUT /1.0/config`: replaces the agent's configuration.
  @discardableResult
  public func updateConfiguration(_ text: String) async throws -> Support {
    try await unlessNotFound { try await perform(.updateConfiguration, body: .raw(Array(text.utf8))) } == nil
      ? .notSupported : .done
  }

  /// `PUT /1.0/vrrp/upload`: stores keepalived's VRRP configuration; nothing is started.
  public func uploadVRRP(_ configuration: String) async throws {
    _ = try await perform(.uploadVRRP, body: .raw(Array(configuration.utf8)))
  }

  /// `PUT /1.0/vrrp/{action}`: starts, stops or reloads VRRP; a start while it runs is a reload.
  @discardableResult
  public func controlVRRP(_ action: ServiceAction) async throws -> MessageBody {
    try await decoded(MessageBody.self, .controlVRRP(action))
  }

  /// `GET /1.0/interface/{ip}`: the name of the interface that holds an address; `notFound` when none does.
  public func findInterface(_ address: IPAddress) async throws -> String {
    try await decoded(InterfaceNameBody.self, .findInterface(address)).interface
  }

  /// `PUT /1.0/interface/{ip}/rules`: replaces what may come in through an SR-IOV VIP port.
  ///
  /// `notFound` also when the image is too old; without rules such a port must not be used.
  public func setInterfaceRules(_ address: IPAddress, _ rules: [InterfaceRule]) async throws {
    _ = try await perform(.setInterfaceRules(address), body: .json(try encoded(rules)))
  }

  /// `GET /1.0/health`: whether the amphora does its work, and what does not; an extension of this agent.
  ///
  /// An agent without it, such as upstream's, makes it throw `notFound`.
  public func health() async throws -> AgentHealthBody {
    try await decoded(AgentHealthBody.self, .health, accepting: 503)
  }

  func unlessNotFound<Value>(_ body: () async throws -> Value) async throws -> Value? {
    do {
      return try await body()
    } catch AmphoraClientError.notFound {
      return nil
    }
  }

  func decoded<Body: Decodable>(_ type: Body.Type, _ route: AgentRoute, accepting status: Int? = nil) async throws
    -> Body
  {
    let answer = try await perform(route, accepting: status)
    do {
      return try JSONDecoder().decode(type, from: Data(answer.body))
    } catch {
      throw AmphoraClientError.unusableAnswer(
        amphora: endpoint.amphora, request: "\(route.method.rawValue) \(route.path)", reason: "\(error)")
    }
  }

  private func plug(_ route: AgentRoute, _ body: some Encodable) async throws -> PlugOutcome {
    do {
      let answer = try await perform(route, body: .json(try encoded(body)))
      let message = try? JSONDecoder().decode(MessageBody.self, from: Data(answer.body))
      return .plugged(message?.details ?? "")
    } catch AmphoraClientError.conflict {
      return .alreadyPlugged
    }
  }

  private func encoded(_ value: some Encodable) throws -> [UInt8] { Array(try JSONEncoder().encode(value)) }
}
