// The agent's configuration: every option of contract heartbeat-and-config §1.4 as a checked value.

package import Addresses

/// The effective configuration; a value of this type has passed all checks.
package struct AgentConfiguration: Sendable {
  /// The file it was read from, as messages name it.
  package let file: String
  /// Log level DEBUG instead of INFO.
  ///
  /// Live.
  package fileprivate(set) var debug: Bool
  /// Log through syslog(3).
  package let useSyslog: Bool
  /// Facility of the agent's own log lines.
  package let syslogLogFacility: SyslogFacility
  /// Root of all run-time files, without trailing slash.
  package let basePath: String
  /// Tenants' TLS material, without trailing slash.
  package let baseCertDir: String
  /// REST listen address.
  package let bindHost: IPAddress
  /// REST listen port; 0 lets the kernel choose.
  package let bindPort: UInt16
  /// The haproxy binary.
  package let haproxyCommand: String
  /// Heartbeat destinations in configured order, duplicates kept.
  ///
  /// Live.
  package fileprivate(set) var controllerEndpoints: [ControllerEndpoint]
  /// Pause between heartbeats, a whole number of seconds ≥ 1.
  ///
  /// Live.
  package fileprivate(set) var heartbeatInterval: Duration
  /// HMAC key of heartbeats with HTML entities reversed; without it no heartbeats are sent.
  ///
  /// Live.
  package fileprivate(set) var heartbeatKey: Secret?
  /// PEM of the CA that signed controllers' client certificates.
  package let agentServerCA: String
  /// PEM of the server certificate and key; also the target of `PUT /1.0/certificate`.
  package let agentServerCert: String
  /// Folder of interface description files, without trailing slash.
  package let agentServerNetworkDir: String
  /// Upper bound on one request; nil for none (0 in the file).
  package let agentRequestReadTimeout: Duration?
  /// Lowest TLS version.
  package let agentTLSProtocol: TLSVersion
  /// Names of client certificates that may give orders; empty for all of the client CA's.
  package let agentAllowedClients: [String]
  /// The `id` of heartbeats; without it none are sent.
  package let amphoraID: String?
  /// `local<n>` of the access log and keepalived units.
  package let administrativeLogFacility: Int
  /// Decides about VRRP check script, interface scripts and announcements.
  ///
  /// Live.
  package fileprivate(set) var loadBalancerTopology: Topology

  /// Where each effective value came from; has every option.
  package fileprivate(set) var origins: [ConfigurationOption: ValueOrigin]
  /// What is doubtful but does not prevent loading, for the log.
  package fileprivate(set) var warnings: [ConfigurationProblem]

  init(reading reader: inout OptionReader, file: String) {
    self.file = file
    debug = reader.bool(.debug)
    useSyslog = reader.bool(.useSyslog)
    syslogLogFacility = reader.facility(.syslogLogFacility)
    basePath = reader.path(.basePath)
    baseCertDir = reader.path(.baseCertDir)
    bindHost = reader.address(.bindHost)
    bindPort = UInt16(reader.integer(.bindPort, in: 0...65_535))
    haproxyCommand = reader.path(.haproxyCommand)
    controllerEndpoints = reader.endpoints(.controllerIPPortList)
    heartbeatInterval = .seconds(reader.integer(.heartbeatInterval, in: 1...86_400))
    heartbeatKey = reader.heartbeatKey()
    agentServerCA = reader.path(.agentServerCA)
    agentServerCert = reader.path(.agentServerCert)
    agentServerNetworkDir = reader.path(.agentServerNetworkDir)
    let timeout = reader.integer(.agentRequestReadTimeout, in: 0...86_400)
    agentRequestReadTimeout = timeout > 0 ? .seconds(timeout) : nil
    agentTLSProtocol = reader.choice(.agentTLSProtocol, fallback: TLSVersion.tlsv12)
    agentAllowedClients = reader.list(.agentAllowedClients)
    amphoraID = reader.amphoraID()
    administrativeLogFacility = reader.integer(.administrativeLogFacility, in: 0...7)
    loadBalancerTopology = reader.choice(.loadBalancerTopology, fallback: Topology.single)
    origins = reader.origins
    warnings = reader.warnings
  }

  /// This configuration with the live options of another one: what is in force after `PUT /1.0/config` until the next
  /// start.
  package func adoptingLiveOptions(of other: AgentConfiguration) -> AgentConfiguration {
    var merged = self
    merged.debug = other.debug
    merged.controllerEndpoints = other.controllerEndpoints
    merged.heartbeatInterval = other.heartbeatInterval
    merged.heartbeatKey = other.heartbeatKey
    merged.loadBalancerTopology = other.loadBalancerTopology
    for option in ConfigurationOption.allCases where option.isLive { merged.origins[option] = other.origins[option] }
    merged.warnings = other.warnings
    return merged
  }
}

extension OptionReader {
  fileprivate mutating func facility(_ option: ConfigurationOption) -> SyslogFacility {
    let allowed = "one of " + SyslogFacility.allCases.map(\.name).joined(separator: ", ")
    return read(option, allowed: allowed, fallback: .user) { SyslogFacility(Self.trim($0)) }
  }

  /// A malformed item is left out with a warning (contract §2.8): the other controllers must still hear the amphora.
  ///
  /// A list in which nothing is usable is refused.
  fileprivate mutating func endpoints(_ option: ConfigurationOption) -> [ControllerEndpoint] {
    guard let found = find(option) else { return [] }
    var items = found.text.split(separator: ",", omittingEmptySubsequences: false).map { Self.trim(String($0)) }
    while items.last?.isEmpty == true { items.removeLast() }
    let allowed = "host:port items joined by commas, an IPv6 address in brackets, port 1 to 65535"
    let endpoints = items.compactMap { ControllerEndpoint($0) }
    guard !endpoints.isEmpty || items.isEmpty else {
      refuse(option, found, allowed: allowed)
      return []
    }
    for item in items where ControllerEndpoint(item) == nil {
      warn(option, Found(text: item, origin: found.origin), "this item is left out; allowed are \(allowed)")
    }
    if items.isEmpty { warnMissing(option, "no heartbeats are sent") }
    return endpoints
  }

  /// Controllers render the key through an HTML escaper but use it unescaped (contract §1.7).
  fileprivate mutating func heartbeatKey() -> Secret? {
    guard let found = find(.heartbeatKey) else {
      warnMissing(.heartbeatKey, "no heartbeats are sent")
      return nil
    }
    if found.text.isEmpty { warn(.heartbeatKey, found, "an empty key lets anybody forge heartbeats") }
    return Secret(HTMLEntities.reversed(in: found.text))
  }

  fileprivate mutating func amphoraID() -> String? {
    guard let found = find(.amphoraID), !found.text.isEmpty else {
      warnMissing(.amphoraID, "no heartbeats are sent")
      return nil
    }
    if !Self.isUUID(found.text) { warn(.amphoraID, found, "not a UUID; controllers will not know this amphora") }
    return found.text
  }

  private static func isUUID(_ text: String) -> Bool {
    let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return groups.map(\.count) == [8, 4, 4, 4, 12]
      && groups.joined().allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
  }
}

/// The five entities of the controllers' template escaper.
enum HTMLEntities {
  private static let characters: [(entity: String, character: UInt8)] = [
    ("&amp;", UInt8(ascii: "&")), ("&lt;", UInt8(ascii: "<")), ("&gt;", UInt8(ascii: ">")),
    ("&#34;", UInt8(ascii: "\"")), ("&#39;", UInt8(ascii: "'")),
  ]

  /// Reverses the entities in one pass, so that `&amp;lt;` becomes `&lt;` and not `<`.
  static func reversed(in text: String) -> String {
    var rest = Array(text.utf8)[...]
    var output: [UInt8] = []
    while let first = rest.first {
      if let (entity, character) = characters.first(where: { rest.starts(with: $0.entity.utf8) }) {
        output.append(character)
        rest = rest.dropFirst(entity.utf8.count)
      } else {
        output.append(first)
        rest = rest.dropFirst()
      }
    }
    return String(decoding: output, as: UTF8.self)
  }
}
