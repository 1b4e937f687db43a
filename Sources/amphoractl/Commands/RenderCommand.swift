// amphoractl render: the configuration files of a document, without an amphora.

import AmphoraController
import ArgumentParser
import Files
import FoundationEssentials

struct RenderCommand: Command {
  static let configuration = CommandConfiguration(
    commandName: "render",
    abstract: "Render a load balancer's configuration files; no amphora is needed.",
    discussion: """
      INPUT is a JSON document, or YAML where its name ends in .yaml or .yml, with the members `loadbalancer` (the Octavia v2 API's object with its children) and \
      `context`. Written are haproxy.cfg, keepalived.conf and lvs-<listener id>.conf, as they apply; other files of the \
      folder stay. A wrong value is reported with its path, and nothing is written.

      EXAMPLE: amphoractl render load-balancer.json --output /tmp/files
      """)

  @OptionGroup var global: GlobalOptions

  @Argument(help: "The document; - is standard input.", completion: .file(extensions: ["json", "yaml", "yml"]))
  var input: String

  @Option(name: .shortAndLong, help: "The folder to write to; made if it does not exist.", completion: .directory)
  var output: String

  private struct Body: Encodable {
    struct File: Encodable {
      let name: String
      let path: String
      let bytes: Int
    }
    let files: [File]
  }

  private func document() throws -> LoadBalancerDocument {
    let isYAML = [".yaml", ".yml"].contains { input.hasSuffix($0) }
    return isYAML
      ? try LoadBalancerDocument(yaml: Parsed.text(input))
      : try LoadBalancerDocument(json: Data(InputFile.bytes(input)))
  }

  func execute(_ context: CommandContext) async throws {
    let files: [String: String]
    do {
      files = try ConfigurationFiles.render(try document())
    } catch let error as DocumentError {
      throw CommandFailure(.failed, "\(input == "-" ? "standard input" : input): \(error)")
    }
    try DurableFile.createDirectory(output, mode: nil, parents: nil)
    var written: [Body.File] = []
    for (name, text) in files.sorted(by: { $0.key < $1.key }) {
      let path = "\(output)/\(name)"
      try DurableFile.write(text.utf8, to: path, mode: 0o644)
      written.append(Body.File(name: name, path: path, bytes: text.utf8.count))
    }
    let lines = written.map { "\($0.path)  \($0.bytes) bytes" }.joined(separator: "\n")
    try context.output.result(
      Body(files: written), text: written.isEmpty ? "the document asks for no file" : Terminal.safe(lines))
  }
}
