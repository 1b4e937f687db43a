// The routes of the agent's API as values (contract agent-api §2), the same for the side that asks and the side that
// answers. Parsing is in AgentRoute+Parsing.swift.

public import Addresses

/// What a controller asks of a service: `start`, `stop` or `reload`.
public enum ServiceAction: String, Sendable, CaseIterable {
  case start
  case stop
  case reload

  /// The past form that answers use; `stoped` is upstream's spelling, and part of the contract.
  public var pastTense: String { self == .stop ? "stoped" : rawValue + "ed" }
}

/// One request of the API: method, path and the typed values in the path.
public enum AgentRoute: Hashable, Sendable {
  case discovery
  case info
  case details
  case uploadHAProxy(amphora: AmphoraID, loadBalancer: LoadBalancerID)
  case downloadHAProxy(LoadBalancerID)
  case control(ServiceObjectID, ServiceAction)
  case deleteService(ServiceObjectID)
  case listListeners
  case uploadLVS(amphora: AmphoraID, listener: ListenerID)
  case downloadLVS(ListenerID)
  case putCertificate(LoadBalancerID, CertificateFileName)
  case getCertificate(LoadBalancerID, CertificateFileName)
  case deleteCertificate(LoadBalancerID, CertificateFileName)
  case plugVIP(IPAddress)
  case plugNetwork
  case rotateCertificate
  case updateConfiguration
  case uploadVRRP
  case controlVRRP(ServiceAction)
  case findInterface(IPAddress)
  case setInterfaceRules(IPAddress)
  /// An extension; upstream's agent and controllers do not know it.
  case health

  /// The request method.
  public var method: AgentMethod {
    switch self {
    case .discovery, .info, .details, .downloadHAProxy, .listListeners, .downloadLVS, .getCertificate, .findInterface,
      .health:
      .get
    case .uploadHAProxy, .control, .uploadLVS, .putCertificate, .rotateCertificate, .updateConfiguration, .uploadVRRP,
      .controlVRRP, .setInterfaceRules:
      .put
    case .plugVIP, .plugNetwork: .post
    case .deleteService, .deleteCertificate: .delete
    }
  }

  /// The request path.
  ///
  /// IPv6 addresses stand raw in a segment, as controllers send them.
  public var path: String {
    switch self {
    case .discovery: "/"
    case .info: "/1.0/info"
    case .details: "/1.0/details"
    case .uploadHAProxy(let amphora, let loadBalancer): "/1.0/loadbalancer/\(amphora)/\(loadBalancer)/haproxy"
    case .downloadHAProxy(let id): "/1.0/loadbalancer/\(id)/haproxy"
    case .control(let id, let action): "/1.0/loadbalancer/\(id)/\(action.rawValue)"
    case .deleteService(let id): "/1.0/listeners/\(id)"
    case .listListeners: "/1.0/listeners"
    case .uploadLVS(let amphora, let listener): "/1.0/listeners/\(amphora)/\(listener)/udp_listener"
    case .downloadLVS(let id): "/1.0/listeners/\(id)/udp_listener"
    case .putCertificate(let id, let name), .getCertificate(let id, let name), .deleteCertificate(let id, let name):
      "/1.0/loadbalancer/\(id)/certificates/\(name)"
    case .plugVIP(let address): "/1.0/plug/vip/\(address)"
    case .plugNetwork: "/1.0/plug/network"
    case .rotateCertificate: "/1.0/certificate"
    case .updateConfiguration: "/1.0/config"
    case .uploadVRRP: "/1.0/vrrp/upload"
    case .controlVRRP(let action): "/1.0/vrrp/\(action.rawValue)"
    case .findInterface(let address): "/1.0/interface/\(address)"
    case .setInterfaceRules(let address): "/1.0/interface/\(address)/rules"
    case .health: "/1.0/health"
    }
  }
}

/// The request methods that the API knows.
public enum AgentMethod: String, Sendable, CaseIterable, Comparable {
  case delete = "DELETE"
  case get = "GET"
  case post = "POST"
  case put = "PUT"

  /// Orders by name, for a stable `Allow` header.
  public static func < (left: AgentMethod, right: AgentMethod) -> Bool { left.rawValue < right.rawValue }
}
