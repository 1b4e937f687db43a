// Where an amphora's agent is, and with what a controller shows itself there.

public import Addresses
public import AmphoraProtocol

/// Where an amphora's agent listens.
public struct AmphoraEndpoint: Hashable, Sendable {
  /// The amphora's id: the name that its certificate must carry.
  public var amphora: AmphoraID
  /// Its address on the management network.
  public var address: IPAddress
  /// The interface through which a link-local IPv6 address is reached, as in `fe80::1%eth0`.
  public var zone: String?
  /// The port.
  public var port: Int

  /// Makes an endpoint.
  public init(amphora: AmphoraID, address: IPAddress, zone: String? = nil, port: Int = 9443) {
    self.amphora = amphora
    self.address = address
    self.zone = zone
    self.port = port
  }

  /// The address with its zone.
  var host: String { zone.map { "\(address)%\($0)" } ?? "\(address)" }
}

/// What a controller needs for mutual TLS, as PEM texts.
public struct ControllerCredentials: Sendable {
  /// The controller's certificate, its unencrypted key, and any intermediate certificates.
  public var clientPEM: String
  /// The CAs that sign amphora certificates.
  public var serverCAPEM: String

  /// Makes credentials from PEM texts; they are read when a client is made.
  public init(clientPEM: String, serverCAPEM: String) {
    self.clientPEM = clientPEM
    self.serverCAPEM = serverCAPEM
  }
}

/// Time limits of one attempt (contract agent-api §1.6).
public struct RequestTimeouts: Hashable, Sendable {
  /// For connection and TLS handshake.
  public var connect: Duration
  /// For each wait for bytes of the answer.
  public var read: Duration

  /// Makes time limits; the defaults are Octavia's.
  public init(connect: Duration = .seconds(10), read: Duration = .seconds(60)) {
    self.connect = connect
    self.read = read
  }
}
