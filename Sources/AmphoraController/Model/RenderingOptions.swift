// The settings of a controller that have an influence on configurations, and their defaults (contract §9).

/// Settings of a controller; a field that is nil in a document has its default.
public struct RenderingOptions: Codable, Hashable, Sendable {
  /// Whether connections are logged.
  public var connectionLogging = true
  /// The format of log lines, with `{{ project_id }}` and `{{ lb_id }}`.
  public var userLogFormat: LogFormat?
  /// The syslog facility of connections: `local<n>`.
  public var userLogFacility = 0
  /// The syslog facility of haproxy's own messages: `local<n>`.
  public var administrativeLogFacility = 1
  /// The size of stick tables.
  public var haproxyStickSize: StickTableSize?
  /// How many connections a listener takes that has no limit of its own.
  public var defaultConnectionLimit = 50000
  /// Idle time of clients in milliseconds.
  public var timeoutClientData = 50000
  /// Time for connecting to a member in milliseconds.
  public var timeoutMemberConnect = 5000
  /// Idle time of members in milliseconds.
  public var timeoutMemberData = 50000
  /// Time to wait for content to inspect in milliseconds; 0 means not to wait.
  public var timeoutTCPInspect = 0
  /// The ciphers of listeners whose own are unusable.
  public var defaultListenerCiphers: CipherListText?
  /// The ciphers of pools whose own are unusable.
  public var defaultPoolCiphers: CipherListText?
  /// The ciphers that belong to TLS 1.3.
  public var tls13SupportedCiphers: CipherListText?
  /// Seconds between keepalived's checks of haproxy.
  public var vrrpCheckInterval = 5
  /// How many bad checks make an amphora give up its role.
  public var vrrpFailCount = 2
  /// How many good checks make an amphora take up its role.
  public var vrrpSuccessCount = 2
  /// Seconds between the master's gratuitous ARP messages.
  public var vrrpGARPRefreshInterval = 5
  /// How many gratuitous ARP messages the master sends each time.
  public var vrrpGARPRefreshCount = 2
  /// The folder of certificates on the amphora.
  public var baseCertificateFolder: FolderPath?
  /// The folder of everything else on the amphora.
  public var baseFolder: FolderPath?

  /// The defaults.
  public init() {}

  /// Decodes settings; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case connectionLogging = "connection_logging"
    case userLogFormat = "user_log_format"
    case userLogFacility = "user_log_facility"
    case administrativeLogFacility = "administrative_log_facility"
    case haproxyStickSize = "haproxy_stick_size"
    case defaultConnectionLimit = "default_connection_limit"
    case timeoutClientData = "timeout_client_data"
    case timeoutMemberConnect = "timeout_member_connect"
    case timeoutMemberData = "timeout_member_data"
    case timeoutTCPInspect = "timeout_tcp_inspect"
    case defaultListenerCiphers = "default_listener_ciphers"
    case defaultPoolCiphers = "default_pool_ciphers"
    case tls13SupportedCiphers = "tls1_3_supported_ciphers"
    case vrrpCheckInterval = "vrrp_check_interval"
    case vrrpFailCount = "vrrp_fail_count"
    case vrrpSuccessCount = "vrrp_success_count"
    case vrrpGARPRefreshInterval = "vrrp_garp_refresh_interval"
    case vrrpGARPRefreshCount = "vrrp_garp_refresh_count"
    case baseCertificateFolder = "base_cert_dir"
    case baseFolder = "base_path"
  }
}

extension RenderingOptions: DocumentObject {
  static let ignoredKeys: Set<String>? = []

  init(reading object: ObjectReader<CodingKeys>) throws {
    connectionLogging = try object.optional(.connectionLogging) ?? connectionLogging
    userLogFormat = try object.optional(.userLogFormat)
    haproxyStickSize = try object.optional(.haproxyStickSize)
    defaultListenerCiphers = try object.optional(.defaultListenerCiphers)
    defaultPoolCiphers = try object.optional(.defaultPoolCiphers)
    tls13SupportedCiphers = try object.optional(.tls13SupportedCiphers)
    baseCertificateFolder = try object.optional(.baseCertificateFolder)
    baseFolder = try object.optional(.baseFolder)
    let numbers: [(CodingKeys, WritableKeyPath<RenderingOptions, Int>, ClosedRange<Int>)] = [
      (.userLogFacility, \.userLogFacility, 0...7),
      (.administrativeLogFacility, \.administrativeLogFacility, 0...7),
      (.defaultConnectionLimit, \.defaultConnectionLimit, 1...countLimit),
      (.timeoutClientData, \.timeoutClientData, timeoutRange),
      (.timeoutMemberConnect, \.timeoutMemberConnect, timeoutRange),
      (.timeoutMemberData, \.timeoutMemberData, timeoutRange),
      (.timeoutTCPInspect, \.timeoutTCPInspect, timeoutRange),
      (.vrrpCheckInterval, \.vrrpCheckInterval, 1...countLimit),
      (.vrrpFailCount, \.vrrpFailCount, 1...countLimit),
      (.vrrpSuccessCount, \.vrrpSuccessCount, 1...countLimit),
      (.vrrpGARPRefreshInterval, \.vrrpGARPRefreshInterval, 0...countLimit),
      (.vrrpGARPRefreshCount, \.vrrpGARPRefreshCount, 0...countLimit),
    ]
    for (key, field, bounds) in numbers {
      self[keyPath: field] = try object.integer(key, in: bounds) ?? self[keyPath: field]
    }
  }
}

/// Defaults of options that are texts.
enum DefaultOptions {
  static let userLogFormat =
    "{{ project_id }} {{ lb_id }} %f %ci %cp %t %{+Q}r %ST %B %U %[ssl_c_verify] %{+Q}[ssl_c_s_dn] %b %s %Tt %tsc"
  static let haproxyStickSize = "10k"
  static let ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:"
    + "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:"
    + "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
  static let tls13SupportedCiphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:"
    + "TLS_AES_128_CCM_8_SHA256"
  static let baseCertificateFolder = "/var/lib/octavia/certs"
  static let baseFolder = "/var/lib/octavia"
}
