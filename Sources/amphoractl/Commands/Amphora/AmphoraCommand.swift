// amphoractl amphora: single calls of the agent's API, one command per route.

import AmphoraController
import AmphoraProtocol
import ArgumentParser

struct AmphoraCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "amphora",
    abstract: "Ask one amphora, or tell it something: single calls of its API.",
    discussion: """
      AMPHORA is a name or id from `amphorae` in the configuration, or ID@ADDRESS[:PORT]:

        amphorae:
          web-1: {id: 6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8, address: 192.0.2.10}
          web-2: {id: 0f5c9a52-11d4-4e0c-9df4-0b8f6f2a6d11, address: "fe80::1%eth0", port: 9443}

      EXAMPLE: amphoractl amphora info web-1
      """,
    subcommands: [
      AmphoraVersion.self,
      AmphoraInfo.self,
      AmphoraDetails.self,
      AmphoraHealthCheck.self,
      AmphoraListeners.self,
      AmphoraCertificate.self,
      AmphoraConfig.self,
      AmphoraLVS.self,
      AmphoraVRRP.self,
      AmphoraStart.self,
      AmphoraStop.self,
      AmphoraReload.self,
      AmphoraDelete.self,
      AmphoraCert.self,
      AmphoraPlug.self,
      AmphoraInterface.self,
      AmphoraRules.self,
      AmphoraSettings.self,
      AmphoraCall.self,
    ])
}

/// Options and arguments of a call.
struct AmphoraOptions: ParsableArguments {
  @OptionGroup var global: GlobalOptions

  @Argument(help: "A name or id from the configuration, or ID@ADDRESS[:PORT].")
  var amphora: String
}

/// A command that makes one call.
protocol AmphoraRequest: Command {
  var target: AmphoraOptions { get }
  func call(_ client: AmphoraClient, _ output: Output) async throws
}

extension AmphoraRequest {
  var global: GlobalOptions { target.global }

  func execute(_ context: CommandContext) async throws {
    try await context.withClient(try context.amphora(target.amphora)) { try await call($0, context.output) }
  }
}

/// The answer to a call that changes something.
struct OutcomeBody: Encodable {
  let amphora: String
  let outcome: String
  var details: String?
}

extension Output {
  /// Says what a call did.
  func outcome(_ client: AmphoraClient, _ text: String, details: String? = nil) throws {
    let body = OutcomeBody(amphora: client.endpoint.amphora.text, outcome: text, details: details)
    try result(body, text: Terminal.safe(details.map { "\(text): \($0)" } ?? text))
  }
}

/// Parsing of arguments into the types of the API.
enum Parsed {
  static func object(_ text: String) throws -> ServiceObjectID { try uuid(text, "id of a load balancer or listener") }
  static func loadBalancer(_ text: String) throws -> LoadBalancerID { try uuid(text, "id of a load balancer") }
  static func listener(_ text: String) throws -> ListenerID { try uuid(text, "id of a listener") }

  private static func uuid<ID: UUIDText>(_ text: String, _ what: String) throws -> ID {
    guard let id = ID(text) else { throw CommandFailure(.usage, "'\(text)' is no \(what), which is a UUID") }
    return id
  }

  /// A text file's content; `-` is standard input.
  static func text(_ path: String) throws -> String {
    guard let text = String(validating: try InputFile.bytes(path), as: UTF8.self) else {
      throw CommandFailure(.usage, "\(path): is not UTF-8")
    }
    return text
  }
}
