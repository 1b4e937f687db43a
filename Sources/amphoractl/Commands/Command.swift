// What all commands share: global options, effective configuration, form of the output, and how failures end them.

import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import ArgumentParser
import Glibc

/// The options of every command.
struct GlobalOptions: ParsableArguments {
  @Option(
    name: .customLong("config"), help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file())
  var configurationFile: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Override a setting; may be repeated. `amphoractl config` lists them.", valueName: "key=value"))
  var overrides: [String] = []

  @Flag(help: "Answer in JSON; errors too, on standard error.")
  var json = false

  @Option(help: "Colours: auto (on a terminal without NO_COLOR), always, never.")
  var color = ColorChoice.auto

  var output: Output { Output(isJSON: json, color: color) }
}

/// What a command works with.
struct CommandContext: Sendable {
  let configuration: Configuration
  let output: Output
}

/// A command of amphoractl: `run()` loads the configuration, calls ``execute(_:)`` and shows failures.
protocol Command: AsyncParsableCommand {
  var global: GlobalOptions { get }
  /// Does the work; whatever it throws is shown and ends the program with the status of `CommandFailure(explaining:)`.
  func execute(_ context: CommandContext) async throws
}

extension Command {
  func run() async throws {
    let output = global.output
    do {
      let configuration = try Configuration.load(file: global.configurationFile, overrides: global.overrides)
      try await execute(CommandContext(configuration: configuration, output: output))
    } catch {
      let failure = CommandFailure(explaining: error)
      output.failure(failure)
      Glibc.exit(failure.status.rawValue)
    }
  }
}

extension CommandContext {
  /// The amphora that a text names: a name or id of the configuration, or `ID@ADDRESS[:PORT]`.
  func amphora(_ text: String) throws(CommandFailure) -> AmphoraEntry {
    if let entry = configuration.amphorae.first(where: { $0.name == text || $0.id.text == text }) { return entry }
    if let entry = AmphoraEntry(text: text) { return entry }
    let known = configuration.amphorae.map(\.name).joined(separator: ", ")
    throw CommandFailure(
      .usage,
      "there is no amphora '\(text)' in \(configuration.file)"
        + (configuration.fileExists ? "" : " (the file does not exist)"),
      hint: (known.isEmpty ? "" : "It has: \(known). ") + "Or spell it out: ID@ADDRESS, as 6e8fd3b6-…@192.0.2.10.")
  }

  /// Where an amphora's agent is.
  func endpoint(_ entry: AmphoraEntry) -> AmphoraEndpoint {
    AmphoraEndpoint(
      amphora: entry.id, address: entry.address, zone: entry.zone, port: entry.port ?? configuration.integer(.port))
  }

  /// The controller's certificate and the CAs it trusts.
  func credentials() throws(CommandFailure) -> ControllerCredentials {
    func text(_ setting: Setting) throws(CommandFailure) -> String {
      do { return String(decoding: try InputFile.bytes(configuration.text(setting)), as: UTF8.self) } catch {
        throw CommandFailure(
          .usage, error.message,
          hint: "This is \(setting.rawValue) (\(configuration[setting]?.origin.description ?? "")): \(setting.help). "
            + "amphoractl ca init makes one.")
      }
    }
    return ControllerCredentials(clientPEM: try text(.controllerCertificate), serverCAPEM: try text(.serverCA))
  }

  /// Time limits of a request.
  var timeouts: RequestTimeouts {
    RequestTimeouts(connect: configuration.duration(.connectTimeout), read: configuration.duration(.readTimeout))
  }

  /// How often requests are tried.
  var retry: RetryProfile {
    RetryProfile(attempts: configuration.integer(.attempts), pause: configuration.duration(.pause))
  }

  /// Calls an amphora and closes the connections afterwards.
  ///
  /// - Parameter other: Credentials instead of those of the configuration.
  func withClient<Value>(
    _ entry: AmphoraEntry, credentials other: ControllerCredentials? = nil,
    _ body: (AmphoraClient) async throws -> Value
  ) async throws -> Value {
    let client = try AmphoraClient(
      endpoint: endpoint(entry), credentials: try other ?? credentials(), retry: retry, timeouts: timeouts)
    do {
      let value = try await body(client)
      try await client.shutdown()
      return value
    } catch {
      try? await client.shutdown()
      throw error
    }
  }
}
