// JSON bodies of answers (contract agent-api §1.3, §2, §3).

/// `GET /`: the API version, always `1.0`.
public struct APIVersionBody: Codable, Hashable, Sendable {
  /// The version's text.
  public var apiVersion: String

  /// Makes the answer of this version of the API.
  public init() { apiVersion = "1.0" }

  private enum CodingKeys: String, CodingKey { case apiVersion = "api_version" }
}

/// The route shape of answers: a message, details, or both.
public struct MessageBody: Codable, Hashable, Sendable {
  /// What happened, in few words.
  public var message: String?
  /// More about it; often a program's output.
  public var details: String?

  /// Makes a body.
  public init(message: String? = nil, details: String? = nil) {
    self.message = message
    self.details = details
  }

  /// `{"message":"OK"}`.
  public static let ok = MessageBody(message: "OK")
}

/// The framework shape of errors.
public struct FrameworkErrorBody: Codable, Hashable, Sendable {
  /// `<code> <reason>: <free text>`.
  public var error: String
  /// The status code again.
  public var httpCode: Int

  /// Makes a body.
  public init(status: Int, reason: String, text: String) {
    error = "\(status) \(reason): \(text)"
    httpCode = status
  }

  private enum CodingKeys: String, CodingKey {
    case error
    case httpCode = "http_code"
  }
}

/// `GET …/certificates/{file}`: the MD5 of the stored bytes.
public struct CertificateDigestBody: Codable, Hashable, Sendable {
  /// Lower-case hexadecimal MD5.
  public var md5sum: String
  /// Makes a body.
  public init(md5sum: String) { self.md5sum = md5sum }
}

/// `GET /1.0/interface/{ip}`.
public struct InterfaceNameBody: Codable, Hashable, Sendable {
  /// Always `OK`.
  public var message: String
  /// The name of the interface that holds the address.
  public var interface: String
  /// Makes a body.
  public init(interface: String) {
    message = "OK"
    self.interface = interface
  }
}

/// One entry of `GET /1.0/listeners`.
public struct ListenerStatusBody: Codable, Hashable, Sendable {
  /// `ACTIVE`, `OFFLINE` or `ERROR`.
  public var status: String
  /// The listener's id.
  public var uuid: String
  /// `HTTP`, `TCP`, `TERMINATED_HTTPS` or `UDP`.
  public var type: String
  /// Makes an entry.
  public init(status: String, uuid: String, type: String) {
    self.status = status
    self.uuid = uuid
    self.type = type
  }
}

/// `GET /1.0/info`.
public struct InfoBody: Codable, Hashable, Sendable {
  /// The amphora's host name.
  public var hostname: String
  /// The haproxy package's version, `2.6.12-1+deb12u4`.
  public var haproxyVersion: String
  /// The API version, `1.0`.
  public var apiVersion: String
  /// The keepalived package's version.
  public var keepalivedVersion: String
  /// The ipvsadm package's version.
  public var ipvsadmVersion: String

  /// Makes a body.
  public init(hostname: String, haproxyVersion: String, keepalivedVersion: String, ipvsadmVersion: String) {
    self.hostname = hostname
    self.haproxyVersion = haproxyVersion
    self.keepalivedVersion = keepalivedVersion
    self.ipvsadmVersion = ipvsadmVersion
    apiVersion = "1.0"
  }

  private enum CodingKeys: String, CodingKey {
    case hostname
    case haproxyVersion = "haproxy_version"
    case apiVersion = "api_version"
    case keepalivedVersion = "keepalived_version"
    case ipvsadmVersion = "ipvsadm_version"
  }
}
