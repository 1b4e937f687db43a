// amphoractl config: what is in force, and where each value comes from.

import AmphoraController
import AmphoraProtocol
import ArgumentParser

struct ConfigCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Show the effective configuration and where each value comes from.",
    discussion: """
      Values come from the file ~/.config/amphora/config.yaml ($XDG_CONFIG_HOME/amphora/config.yaml, AMPHORA_CONFIG, or
      --config FILE), overridden by environment variables (AMPHORA_ and the key in capitals), overridden by
      --set KEY=VALUE. Secrets are never shown.

      EXAMPLE: AMPHORA_ATTEMPTS=5 amphoractl config
      """)

  @OptionGroup var global: GlobalOptions

  private struct Body: Encodable {
    struct Entry: Encodable {
      let key: String
      let value: String?
      let origin: String
      let environment: String
      let help: String
    }
    struct Amphora: Encodable {
      let name: String
      let id: String
      let address: String
      let port: Int
    }
    let file: String
    let fileExists: Bool
    let settings: [Entry]
    let secrets: [String: String?]
    let amphorae: [Amphora]

    enum CodingKeys: String, CodingKey {
      case file, settings, secrets, amphorae
      case fileExists = "file_exists"
    }
  }

  func execute(_ context: CommandContext) async throws {
    let configuration = context.configuration
    let entries = Setting.allCases.map { setting in
      Body.Entry(
        key: setting.rawValue, value: configuration[setting]?.text,
        origin: (configuration[setting]?.origin ?? .builtIn).description, environment: setting.environmentName,
        help: setting.help)
    }
    let amphorae = configuration.amphorae.map {
      Body.Amphora(
        name: $0.name, id: $0.id.text, address: context.endpoint($0).hostText, port: context.endpoint($0).port)
    }
    let secrets = ["passphrase": secret("AMPHORA_PASSPHRASE"), "heartbeat_key": secret("AMPHORA_HEARTBEAT_KEY")]
    let body = Body(
      file: configuration.file, fileExists: configuration.fileExists, settings: entries, secrets: secrets,
      amphorae: amphorae)
    try context.output.result(body, text: text(body, context.output.style))
  }

  private func secret(_ name: String) -> String? {
    (Environment.process[name]?.isEmpty ?? true) ? nil : Origin.environment(name).description
  }

  private func text(_ body: Body, _ style: TextStyle) -> String {
    var settings = Table(["KEY", "VALUE", "FROM"])
    for entry in body.settings {
      settings.append(["\(entry.key)", "\(entry.value ?? "-")", "\(entry.origin)"])
    }
    for (name, origin) in body.secrets.sorted(by: { $0.key < $1.key }) {
      settings.append(["\(name)", "\(origin == nil ? "-" : "(hidden)")", "\(origin ?? "not in the environment")"])
    }
    var parts = ["file: \(body.file)\(body.fileExists ? "" : " (does not exist)")", settings.text(style: style)]
    if !body.amphorae.isEmpty {
      var table = Table(["AMPHORA", "ID", "ADDRESS", "PORT"])
      for each in body.amphorae {
        table.append(["\(each.name)", "\(each.id)", "\(each.address)", "\(each.port)"])
      }
      parts.append(table.text(style: style))
    }
    return parts.joined(separator: "\n\n")
  }
}

extension AmphoraEndpoint {
  /// The address with its zone.
  var hostText: String { zone.map { "\(address)%\($0)" } ?? "\(address)" }
}
