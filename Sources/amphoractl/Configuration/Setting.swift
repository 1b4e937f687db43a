// Every setting of amphoractl: its name in the file, in the environment and on the command line, its default, its meaning.

/// A setting; the raw value is its key in the configuration file, and what `--set KEY=VALUE` takes.
enum Setting: String, CaseIterable, Sendable {
  case certificates
  case controllerCertificate = "controller_certificate"
  case serverCA = "server_ca"
  case passphraseFile = "passphrase_file"
  case validity
  case renewBefore = "renew_before"
  case port
  case connectTimeout = "connect_timeout"
  case readTimeout = "read_timeout"
  case attempts
  case pause
  case heartbeatListen = "heartbeat_listen"
  case heartbeatKeyFile = "heartbeat_key_file"
  case state

  /// What a value must be.
  enum Kind: Sendable {
    /// A path: `~/` is the home folder; a relative one in the file counts from the file's folder.
    case path
    case text
    case integer(ClosedRange<Int>)
  }

  var kind: Kind {
    switch self {
    case .certificates, .controllerCertificate, .serverCA, .passphraseFile, .heartbeatKeyFile, .state: .path
    case .heartbeatListen: .text
    case .port: .integer(1...65535)
    case .validity, .renewBefore: .integer(60...315_360_000)
    case .connectTimeout, .readTimeout: .integer(1...86400)
    case .attempts: .integer(1...100_000)
    case .pause: .integer(0...86400)
    }
  }

  /// `AMPHORA_CONNECT_TIMEOUT`.
  var environmentName: String { "AMPHORA_\(rawValue.uppercased())" }

  var help: String {
    switch self {
    case .certificates: "folder of the CAs and of the controller's certificate"
    case .controllerCertificate: "PEM with the certificate and key that this controller shows to amphorae"
    case .serverCA: "PEM with the CAs that may sign amphorae's certificates"
    case .passphraseFile: "file whose first line is the passphrase of the CA keys"
    case .validity: "seconds that issued certificates are valid"
    case .renewBefore: "seconds before its end at which a certificate counts as expiring"
    case .port: "port of the agents"
    case .connectTimeout: "seconds for a connection with its TLS handshake"
    case .readTimeout: "seconds for each wait for an answer"
    case .attempts: "attempts at a request to an amphora that does not answer"
    case .pause: "seconds between attempts"
    case .heartbeatListen: "ADDRESS:PORT at which heartbeats are received"
    case .heartbeatKeyFile: "file whose first line is the heartbeat key"
    case .state: "folder of what amphoractl remembers of load balancers"
    }
  }
}
