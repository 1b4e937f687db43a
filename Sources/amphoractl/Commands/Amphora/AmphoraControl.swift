// amphoractl amphora start, stop, reload, delete, vrrp, call: what makes an amphora do something.

import AmphoraController
import AmphoraProtocol
import ArgumentParser

/// Which service.
struct ObjectArgument: ParsableArguments {
  @Argument(help: "The id of a load balancer, or of a UDP or SCTP listener.")
  var id: String
}

extension AmphoraRequest {
  fileprivate func control(
    _ client: AmphoraClient, _ id: String, _ action: ServiceAction, _ output: Output
  ) async throws {
    let answer = try await client.control(try Parsed.object(id), action)
    try output.outcome(client, answer.message ?? "OK", details: answer.details)
  }
}

struct AmphoraStart: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start haproxy of a load balancer, or keepalived of a listener.",
    discussion: "EXAMPLE: amphoractl amphora start web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")

  @OptionGroup var target: AmphoraOptions
  @OptionGroup var object: ObjectArgument

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    try await control(client, object.id, .start, output)
  }
}

struct AmphoraStop: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop haproxy of a load balancer, or keepalived of a listener.",
    discussion: "EXAMPLE: amphoractl amphora stop web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")

  @OptionGroup var target: AmphoraOptions
  @OptionGroup var object: ObjectArgument

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    try await control(client, object.id, .stop, output)
  }
}

struct AmphoraReload: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "reload", abstract: "Have haproxy, or a listener's keepalived, read its configuration again.",
    discussion: "EXAMPLE: amphoractl amphora reload web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")

  @OptionGroup var target: AmphoraOptions
  @OptionGroup var object: ObjectArgument

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    try await control(client, object.id, .reload, output)
  }
}

struct AmphoraDelete: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Stop a load balancer or listener and remove it from the amphora.",
    discussion: "EXAMPLE: amphoractl amphora delete web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")

  @OptionGroup var target: AmphoraOptions
  @OptionGroup var object: ObjectArgument

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    try await client.deleteService(try Parsed.object(object.id))
    try output.outcome(client, "removed")
  }
}

struct AmphoraVRRP: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vrrp", abstract: "keepalived for a pair of amphorae.",
    discussion: "EXAMPLE: amphoractl amphora vrrp put web-1 keepalived.conf",
    subcommands: [Put.self, Start.self, Stop.self, Reload.self])

  struct Put: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Store a configuration; it is in force after a start or reload.",
      discussion: "EXAMPLE: amphoractl amphora vrrp put web-1 keepalived.conf")

    @OptionGroup var target: AmphoraOptions
    @OptionGroup var upload: UploadArgument

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      try await client.uploadVRRP(try Parsed.text(upload.file))
      try output.outcome(client, "stored; reload or start VRRP")
    }
  }

  struct Start: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Start VRRP; while it runs, the same as reload.",
      discussion: "EXAMPLE: amphoractl amphora vrrp start web-1")
    @OptionGroup var target: AmphoraOptions
    func call(_ client: AmphoraClient, _ output: Output) async throws { try await vrrp(client, .start, output) }
  }

  struct Stop: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Stop VRRP: the other amphora takes the VIP.", discussion: "EXAMPLE: amphoractl amphora vrrp stop web-1"
    )
    @OptionGroup var target: AmphoraOptions
    func call(_ client: AmphoraClient, _ output: Output) async throws { try await vrrp(client, .stop, output) }
  }

  struct Reload: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Have keepalived read its configuration again.",
      discussion: "EXAMPLE: amphoractl amphora vrrp reload web-1")
    @OptionGroup var target: AmphoraOptions
    func call(_ client: AmphoraClient, _ output: Output) async throws { try await vrrp(client, .reload, output) }
  }
}

extension AmphoraRequest {
  fileprivate func vrrp(_ client: AmphoraClient, _ action: ServiceAction, _ output: Output) async throws {
    let answer = try await client.controlVRRP(action)
    try output.outcome(client, answer.message ?? "OK", details: answer.details)
  }
}

struct AmphoraCall: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "Send any request, once, and print the answer's body.",
    discussion: """
      The status is 0 for answers 200 to 299, else 1.

      EXAMPLE: amphoractl amphora call web-1 GET /1.0/details
      """)

  @OptionGroup var target: AmphoraOptions
  @Argument(help: "GET, PUT, POST or DELETE.") var method: String
  @Argument(help: "The path, percent-encoded where needed.") var path: String
  @Option(help: "A file with the body; - is standard input.", completion: .file()) var body: String?
  @Option(help: "The body's content type.") var type: String?

  func validate() throws {
    guard AgentMethod(rawValue: method) != nil else {
      throw ValidationError("METHOD must be GET, PUT, POST or DELETE, not '\(method)'")
    }
    guard path.hasPrefix("/"), path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw ValidationError("PATH must begin with / and be percent-encoded: '\(path)'")
    }
  }

  private struct Body: Encodable {
    let status: Int
    let headers: [[String]]
    let body: String
  }

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let answer = try await client.raw(
      method: method, path: path, headers: type.map { [("Content-Type", $0)] } ?? [],
      body: try body.map { try InputFile.bytes($0) })
    if output.isJSON {
      try output.json(
        Body(status: answer.status, headers: answer.headers.map { [$0.name, $0.value] }, body: answer.text))
    } else {
      try output.file(answer.text + (answer.text.hasSuffix("\n") ? "" : "\n"))
    }
    guard (200..<300).contains(answer.status) else {
      throw CommandFailure(
        .failed, "amphora \(client.endpoint.amphora) answered \(method) \(path) with \(answer.status)")
    }
  }
}
