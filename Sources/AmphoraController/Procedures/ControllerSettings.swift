// What a controller is: its certificates, its key for heartbeats, its patience.

public import AmphoraProtocol
public import Logging

/// Everything the procedures need besides drivers and state.
public struct ControllerSettings: Sendable {
  /// The controller's certificate and the CA of amphorae.
  public var credentials: ControllerCredentials
  /// Makes the certificate of a new amphora.
  public var issueCertificate: @Sendable (AmphoraID) async throws -> IssuedCertificate
  /// The certificate of the CA that signs controllers' certificates: amphorae let in whom it signed.
  public var clientCAPEM: String
  /// The key of heartbeats.
  public var heartbeatKey: String
  /// Where amphorae send heartbeats: `192.0.2.5:5555`, `[2001:db8::5]:5555`; none is possible.
  public var heartbeatReceivers: [String]
  /// Seconds between heartbeats.
  public var heartbeatInterval = 10
  /// How often an amphora that should be there, or is being built, is asked.
  public var patience = RetryProfile.normal
  /// How often an existing amphora is asked during a failover.
  public var failoverPatience = RetryProfile.failover
  /// How often each amphora is asked whether it has the VIP.
  public var victimPatience = RetryProfile.victim
  /// How often the compute driver is asked whether a machine is built (contract heartbeat-and-config §4.3 step 2).
  public var buildPatience = RetryProfile(attempts: 30, pause: .seconds(10))
  /// Limits of each request to an agent.
  public var timeouts = RequestTimeouts()
  /// Hears of failed attempts.
  public var logger: Logger?

  /// Makes settings with Octavia's timing; certificates come from `serverCA.issueAmphoraCertificate(id:)` usually.
  public init(
    credentials: ControllerCredentials, clientCAPEM: String, heartbeatKey: String, heartbeatReceivers: [String],
    issueCertificate: @escaping @Sendable (AmphoraID) async throws -> IssuedCertificate
  ) {
    self.credentials = credentials
    self.issueCertificate = issueCertificate
    self.clientCAPEM = clientCAPEM
    self.heartbeatKey = heartbeatKey
    self.heartbeatReceivers = heartbeatReceivers
  }
}
