// The closed sets of values of the Octavia API.

/// A type with a closed set of values.
protocol DocumentEnumeration: DocumentReadable, CaseIterable, RawRepresentable where RawValue == String {}

extension DocumentEnumeration {
  init(reading value: DocumentValue, at path: String) throws {
    let text = try String(reading: value, at: path)
    guard let known = Self(rawValue: text) else {
      let all = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DocumentError(path, "\(quoted(text)) is not one of \(all)")
    }
    self = known
  }
}

/// What the controller is doing with an object.
///
/// Only ``pendingDelete`` has an influence on configurations.
public enum ProvisioningStatus: String, Codable, Sendable, DocumentEnumeration {
  case active = "ACTIVE"
  case deleted = "DELETED"
  case error = "ERROR"
  case pendingCreate = "PENDING_CREATE"
  case pendingUpdate = "PENDING_UPDATE"
  case pendingDelete = "PENDING_DELETE"
}

/// What the controller knows of an amphora.
///
/// Only ``allocated`` ones are part of a configuration.
public enum AmphoraStatus: String, Codable, Sendable, DocumentEnumeration {
  case allocated = "ALLOCATED"
  case booting = "BOOTING"
  case deleted = "DELETED"
  case error = "ERROR"
  case failoverStopped = "FAILOVER_STOPPED"
  case pendingCreate = "PENDING_CREATE"
  case pendingDelete = "PENDING_DELETE"
  case ready = "READY"
}

/// How many amphorae serve a load balancer.
public enum Topology: String, Codable, Sendable, DocumentEnumeration {
  case single = "SINGLE"
  case activeStandby = "ACTIVE_STANDBY"
}

/// What a listener speaks with clients.
public enum ListenerProtocol: String, Codable, Sendable, DocumentEnumeration {
  case http = "HTTP"
  case https = "HTTPS"
  case prometheus = "PROMETHEUS"
  case sctp = "SCTP"
  case tcp = "TCP"
  case terminatedHTTPS = "TERMINATED_HTTPS"
  case udp = "UDP"

  /// Whether the listener is served by keepalived (LVS) and not by haproxy.
  public var usesLVS: Bool { self == .udp || self == .sctp }

  /// Whether the listener may have L7 policies.
  public var takesL7Policies: Bool { self == .http || self == .terminatedHTTPS }

  /// The protocols that a pool of this listener may have (contract §1.3).
  public var poolProtocols: Set<PoolProtocol> {
    switch self {
    case .tcp: [.http, .https, .proxy, .proxyV2, .tcp]
    case .http, .terminatedHTTPS: [.http, .proxy, .proxyV2]
    case .https: [.https, .proxy, .proxyV2, .tcp]
    case .udp: [.udp]
    case .sctp: [.sctp]
    case .prometheus: []
    }
  }
}

/// What the members of a pool speak.
public enum PoolProtocol: String, Codable, Sendable, DocumentEnumeration {
  case http = "HTTP"
  case https = "HTTPS"
  case proxy = "PROXY"
  case proxyV2 = "PROXYV2"
  case sctp = "SCTP"
  case tcp = "TCP"
  case udp = "UDP"

  /// The monitors that a pool of this protocol may have (contract §1.3).
  public var monitorKinds: Set<HealthMonitor.Kind> {
    switch self {
    case .udp, .sctp: [.udpConnect, .sctp, .tcp, .http]
    default: [.http, .https, .ping, .tcp, .tlsHello]
    }
  }
}

/// How a member is picked.
public enum LoadBalancingAlgorithm: String, Codable, Sendable, DocumentEnumeration {
  case leastConnections = "LEAST_CONNECTIONS"
  case roundRobin = "ROUND_ROBIN"
  case sourceIP = "SOURCE_IP"
  case sourceIPPort = "SOURCE_IP_PORT"
}

/// Whether clients must show a certificate.
public enum ClientAuthentication: String, Codable, Sendable, DocumentEnumeration {
  case none = "NONE"
  case optional = "OPTIONAL"
  case mandatory = "MANDATORY"
}

/// Versions of TLS, oldest first.
public enum TLSProtocolVersion: String, Codable, Sendable, DocumentEnumeration {
  case ssl3 = "SSLv3"
  case tls10 = "TLSv1"
  case tls11 = "TLSv1.1"
  case tls12 = "TLSv1.2"
  case tls13 = "TLSv1.3"
}

/// Protocols that are offered within the TLS handshake.
public enum ALPNProtocol: String, Codable, Sendable, DocumentEnumeration {
  case http2 = "h2"
  case http11 = "http/1.1"
  case http10 = "http/1.0"
}

/// Methods of HTTP requests.
public enum MonitorMethod: String, Codable, Sendable, DocumentEnumeration {
  case connect = "CONNECT"
  case delete = "DELETE"
  case get = "GET"
  case head = "HEAD"
  case options = "OPTIONS"
  case patch = "PATCH"
  case post = "POST"
  case put = "PUT"
  case trace = "TRACE"
}

/// The version of HTTP that a monitor speaks; a number in documents.
public enum HTTPVersion: Double, Codable, Sendable, CaseIterable, DocumentReadable {
  case http10 = 1.0
  case http11 = 1.1

  init(reading value: DocumentValue, at path: String) throws {
    let number: Double? =
      switch value {
      case .integer(let integer): Double(integer)
      case .number(let double): double
      default: nil
      }
    guard let number, let version = HTTPVersion(rawValue: number) else {
      throw DocumentError(path, "is not one of the numbers 1.0 and 1.1")
    }
    self = version
  }
}
