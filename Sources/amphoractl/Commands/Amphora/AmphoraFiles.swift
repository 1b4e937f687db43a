// amphoractl amphora config, lvs, vrrp, cert, rules, settings: files that an amphora is given or asked for.

import Addresses
import AmphoraController
import AmphoraProtocol
import ArgumentParser
import FoundationEssentials

/// The file that a command sends.
struct UploadArgument: ParsableArguments {
  @Argument(help: "The file to send; - is standard input.", completion: .file())
  var file: String
}

struct AmphoraConfig: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "haproxy's configuration of a load balancer.",
    discussion: "EXAMPLE: amphoractl amphora config get web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10",
    subcommands: [Get.self, Put.self])

  struct Get: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Print the stored configuration.",
      discussion: "EXAMPLE: amphoractl amphora config get web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10")

    @OptionGroup var target: AmphoraOptions
    @Argument(help: "The load balancer's id.") var loadBalancer: String

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      try output.file(try await client.downloadHAProxy(try Parsed.loadBalancer(loadBalancer)))
    }
  }

  struct Put: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Store a configuration, which haproxy checks; it is in force after a start or reload.",
      discussion: "EXAMPLE: amphoractl amphora config put web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10 haproxy.cfg")

    @OptionGroup var target: AmphoraOptions
    @Argument(help: "The load balancer's id.") var loadBalancer: String
    @OptionGroup var upload: UploadArgument

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      try await client.uploadHAProxy(
        try Parsed.text(upload.file), loadBalancer: try Parsed.loadBalancer(loadBalancer))
      try output.outcome(client, "stored; reload or start the load balancer")
    }
  }
}

struct AmphoraLVS: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lvs", abstract: "keepalived's configuration of a UDP or SCTP listener.",
    discussion: "EXAMPLE: amphoractl amphora lvs get web-1 c1a7b3de-0000-4000-8000-000000000001",
    subcommands: [Get.self, Put.self])

  struct Get: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Print the stored configuration.",
      discussion: "EXAMPLE: amphoractl amphora lvs get web-1 c1a7b3de-0000-4000-8000-000000000001")

    @OptionGroup var target: AmphoraOptions
    @Argument(help: "The listener's id.") var listener: String

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      try output.file(try await client.downloadLVS(try Parsed.listener(listener)))
    }
  }

  struct Put: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Store a configuration; it is in force after a start or reload.",
      discussion: "EXAMPLE: amphoractl amphora lvs put web-1 c1a7b3de-0000-4000-8000-000000000001 lvs.conf")

    @OptionGroup var target: AmphoraOptions
    @Argument(help: "The listener's id.") var listener: String
    @OptionGroup var upload: UploadArgument

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      try await client.uploadLVS(try Parsed.text(upload.file), listener: try Parsed.listener(listener))
      try output.outcome(client, "stored; reload or start the listener")
    }
  }
}

struct AmphoraCert: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cert", abstract: "Files with TLS material of a load balancer.",
    discussion: "EXAMPLE: amphoractl amphora cert put web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10 site.pem bundle.pem",
    subcommands: [Get.self, Put.self, Delete.self])

  /// Which file.
  struct Name: ParsableArguments {
    @Argument(help: "The load balancer's id.") var loadBalancer: String
    @Argument(help: "The file's name on the amphora, NAME.pem.") var name: String

    func values() throws -> (LoadBalancerID, CertificateFileName) {
      guard let file = CertificateFileName(name) else {
        throw CommandFailure(
          .usage, "'\(name)' is no name of a certificate file: letters, digits, _ and -, ending in .pem")
      }
      return (try Parsed.loadBalancer(loadBalancer), file)
    }
  }

  struct Get: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "The MD5 of a stored file; its content cannot be had.",
      discussion: "EXAMPLE: amphoractl amphora cert get web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10 site.pem")

    @OptionGroup var target: AmphoraOptions
    @OptionGroup var name: Name

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      let (loadBalancer, file) = try name.values()
      guard let digest = try await client.certificateDigest(loadBalancer: loadBalancer, file: file) else {
        throw CommandFailure(.failed, "amphora \(client.endpoint.amphora) has no file \(file) of \(loadBalancer)")
      }
      try output.result(["md5sum": digest], text: Terminal.safe(digest))
    }
  }

  struct Put: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Store a file, unless the amphora has these very bytes.",
      discussion: "EXAMPLE: amphoractl amphora cert put web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10 site.pem bundle.pem")

    @OptionGroup var target: AmphoraOptions
    @OptionGroup var name: Name
    @OptionGroup var upload: UploadArgument

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      let (loadBalancer, file) = try name.values()
      let isSent = try await client.ensureCertificate(
        try InputFile.bytes(upload.file), loadBalancer: loadBalancer, file: file)
      try output.outcome(client, isSent ? "stored" : "the amphora has it already")
    }
  }

  struct Delete: AmphoraRequest {
    static let configuration = CommandConfiguration(
      abstract: "Remove a file; one that is not there is fine.",
      discussion: "EXAMPLE: amphoractl amphora cert delete web-1 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10 site.pem")

    @OptionGroup var target: AmphoraOptions
    @OptionGroup var name: Name

    func call(_ client: AmphoraClient, _ output: Output) async throws {
      let (loadBalancer, file) = try name.values()
      try await client.deleteCertificate(loadBalancer: loadBalancer, file: file)
      try output.outcome(client, "removed")
    }
  }
}

struct AmphoraSettings: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "settings", abstract: "Replace the agent's own configuration, amphora-agent.conf.",
    discussion: "The agent checks it first. EXAMPLE: amphoractl amphora settings web-1 amphora-agent.conf")

  @OptionGroup var target: AmphoraOptions
  @OptionGroup var upload: UploadArgument

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    switch try await client.updateConfiguration(try Parsed.text(upload.file)) {
    case .done: try output.outcome(client, "replaced")
    case .notSupported:
      throw CommandFailure(.failed, "the agent of amphora \(client.endpoint.amphora) is too old for this")
    }
  }
}

struct AmphoraRules: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "rules", abstract: "Replace what may come in through an SR-IOV VIP port.",
    discussion: """
      FILE is a JSON list: [{"protocol": "TCP", "cidr": "192.0.2.0/24", "port": 80}]; cidr null allows every source.

      EXAMPLE: amphoractl amphora rules web-1 203.0.113.4 rules.json
      """)

  @OptionGroup var target: AmphoraOptions
  @Argument(help: "The address of the port.") var address: IPAddress
  @OptionGroup var upload: UploadArgument

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let rules: [InterfaceRule]
    do {
      rules = try JSONDecoder().decode([InterfaceRule].self, from: Data(InputFile.bytes(upload.file)))
    } catch let error as DecodingError {
      throw CommandFailure(.usage, "\(upload.file): is no list of rules: \(error)")
    }
    try await client.setInterfaceRules(address, rules)
    try output.outcome(client, "\(rules.count) rule\(rules.count == 1 ? "" : "s") in force")
  }
}

extension Output {
  /// Prints a file as it is, or as `{"content": …}`.
  func file(_ text: String) throws {
    if isJSON {
      try json(["content": text])
    } else {
      raw((Terminal.isTerminal(1) ? Terminal.safe(text) : text).utf8)
    }
  }
}
