// The effective configuration: file, overridden by environment, overridden by the command line, each value with its origin.

import Addresses
import AmphoraController
import AmphoraProtocol
import Glibc

/// Where a value comes from.
enum Origin: Hashable, Sendable, CustomStringConvertible {
  case builtIn
  case file(String, line: Int)
  case environment(String)
  case commandLine

  var description: String {
    switch self {
    case .builtIn: "default"
    case .file(let path, let line): "\(path):\(line)"
    case .environment(let name): "environment \(name)"
    case .commandLine: "command line"
    }
  }
}

/// The values that a run works with; all of them are good.
struct Configuration: Sendable {
  struct Value: Sendable {
    let text: String
    let origin: Origin
  }

  /// The configuration file, whether it exists or not.
  let file: String
  /// Whether the file was there.
  let fileExists: Bool
  /// The amphorae of the file, in its order.
  let amphorae: [AmphoraEntry]
  private let values: [Setting: Value]

  /// Reads the configuration.
  ///
  /// - Parameters:
  ///   - file: the path of `--config`; nil takes the usual place, where the file may be missing.
  ///   - overrides: `KEY=VALUE` of `--set`.
  static func load(
    file: String? = nil, overrides: [String] = [], environment: Environment = .process
  ) throws(CommandFailure) -> Configuration {
    let path = file ?? environment["AMPHORA_CONFIG"] ?? environment.defaultConfigurationFile
    let isRequired = file != nil || environment["AMPHORA_CONFIG"] != nil
    let content = try ConfigurationFile.read(path, isRequired: isRequired)
    var values: [Setting: Value] = [:]
    for setting in Setting.allCases {
      if let (text, line) = content?.values[setting] {
        let checked = try setting.check(text, at: "\(path):\(line)", base: path.folder, environment)
        values[setting] = Value(text: checked, origin: .file(path, line: line))
      }
      if let text = environment[setting.environmentName], !text.isEmpty {
        let checked = try setting.check(text, at: "environment variable \(setting.environmentName)", environment)
        values[setting] = Value(text: checked, origin: .environment(setting.environmentName))
      }
    }
    for text in overrides {
      let (setting, value) = try Self.override(text)
      values[setting] = Value(
        text: try setting.check(value, at: "--set \(setting.rawValue)", environment), origin: .commandLine)
    }
    return Configuration(file: path, content: content, values: values, environment: environment)
  }

  private init(file: String, content: ConfigurationFile?, values: [Setting: Value], environment: Environment) {
    self.file = file
    fileExists = content != nil
    amphorae = content?.amphorae ?? []
    var values = values
    // In the order of the cases: some defaults are made of others.
    for setting in Setting.allCases where values[setting] == nil {
      if let text = setting.defaultText(values, environment) { values[setting] = Value(text: text, origin: .builtIn) }
    }
    self.values = values
  }

  private static func override(_ text: String) throws(CommandFailure) -> (Setting, String) {
    guard let equals = text.firstIndex(of: "=") else {
      throw CommandFailure(.usage, "--set \(text): it must be KEY=VALUE", hint: "amphoractl config lists the keys.")
    }
    guard let setting = Setting(rawValue: String(text[..<equals])) else {
      throw CommandFailure(
        .usage, "--set \(text): there is no setting '\(text[..<equals])'", hint: "amphoractl config lists the keys.")
    }
    return (setting, String(text[text.index(after: equals)...]))
  }

  /// A setting's value with its origin; nil when it has none and no default.
  subscript(setting: Setting) -> Value? { values[setting] }

  /// A setting's text; empty when it has none.
  func text(_ setting: Setting) -> String { values[setting]?.text ?? "" }

  /// An integer setting; every one has a default and was checked.
  func integer(_ setting: Setting) -> Int { Int(text(setting)) ?? 0 }

  /// A setting in seconds.
  func duration(_ setting: Setting) -> Duration { .seconds(integer(setting)) }
}

extension Setting {
  /// The value in its final form, or a failure that says where it stands and what is allowed.
  fileprivate func check(
    _ text: String, at place: String, base: String? = nil, _ environment: Environment
  ) throws(CommandFailure) -> String {
    switch kind {
    case .text: return text
    case .path:
      guard !text.isEmpty else { throw CommandFailure(.usage, "\(place): \(rawValue) is empty, it must be a path") }
      return environment.expand(text, base: base)
    case .integer(let range):
      guard let value = Int(text), range.contains(value) else {
        throw CommandFailure(
          .usage,
          "\(place): \(rawValue) is '\(text)', it must be an integer from \(range.lowerBound) to \(range.upperBound)")
      }
      return String(value)
    }
  }

  fileprivate func defaultText(_ values: [Setting: Configuration.Value], _ environment: Environment) -> String? {
    let certificates = values[.certificates]?.text ?? ""
    return switch self {
    case .certificates: "\(environment.configurationFolder)/certificates"
    case .controllerCertificate: "\(certificates)/client.pem"
    case .serverCA: "\(certificates)/server_ca.pem"
    case .passphraseFile, .heartbeatKeyFile: nil
    // Octavia's cert_validity_time and cert_expiry_buffer (contract heartbeat-and-config §5.2, §5.3).
    case .validity: "2592000"
    case .renewBefore: "1209600"
    case .port: "9443"
    case .connectTimeout: "10"
    case .readTimeout: "60"
    case .attempts: "3"
    case .pause: "2"
    case .heartbeatListen: "[::]:5555"
    case .state: "\(environment.stateFolder)"
    }
  }
}

extension String {
  /// The folder of a path.
  var folder: String { lastIndex(of: "/").map { $0 == startIndex ? "/" : String(self[..<$0]) } ?? "." }
}
