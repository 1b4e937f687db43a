import AmphoraController
import Foundation
import Testing

@Suite struct RenderTests {
  /// Documents whose upstream text haproxy refuses; the reasons are in AmphoraControllerTests/Golden/Departures.swift.
  static let departures: Set = [
    "059-persistence-app-cookie-name-is-html-escaped", "072-members-ipv6-monitor-address",
    "095-l7-rule-keys-are-html-escaped",
  ]
  static let vectors = VectorFiles.names("config").filter { $0 != "README.md" }

  @Test(.enabled(if: VectorFiles.areThere, VectorFiles.absence))
  func `all vectors are there`() { #expect(Self.vectors.count >= 153) }

  @Test(.enabled(if: VectorFiles.areThere, VectorFiles.absence), arguments: vectors)
  func `a vector's document is written as exactly its files`(name: String) throws {
    let (program, folder) = (try ControlProgram(), "\(VectorFiles.path)/config/\(name)")
    let result = try program.run("render", "\(folder)/input.json", "--output", "out")
    #expect(result.status == 0, "\(result.errors)")
    var expected: [String: Data] = [:]
    if Self.departures.contains(name) {
      // What the library renders here is held against upstream's text, but for the lines listed, by its own tests.
      let document = try LoadBalancerDocument(json: Data(contentsOf: URL(filePath: "\(folder)/input.json")))
      expected = try ConfigurationFiles.render(document).mapValues { Data($0.utf8) }
    } else {
      for file in VectorFiles.names("config/\(name)/expected") {
        expected[file] = try Data(contentsOf: URL(filePath: "\(folder)/expected/\(file)"))
      }
    }
    var written: [String: Data] = [:]
    for file in try FileManager.default.contentsOfDirectory(atPath: program.file("out")) {
      written[file] = try Data(contentsOf: URL(filePath: program.file("out/\(file)")))
    }
    #expect(written.keys.sorted() == expected.keys.sorted())
    for (file, bytes) in expected { #expect(written[file] == bytes, "\(file)") }
  }

  static let document = """
    {"loadbalancer": {"id": "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10", "project_id": "p1",
      "vip_address": "203.0.113.10", "listeners": [
      {"id": "c1a7b3de-0000-4000-8000-000000000001", "protocol": "HTTP", "protocol_port": 80},
      {"id": "c1a7b3de-0000-4000-8000-000000000002", "protocol": "UDP", "protocol_port": 53}]},
     "context": {"topology": "SINGLE", "haproxy_version": "2.6.12", "amphorae": [
      {"id": "11111111-2222-4333-8444-555555555501", "status": "ALLOCATED", "role": "STANDALONE"}],
      "host_amphora_id": "11111111-2222-4333-8444-555555555501"}}
    """

  @Test func `files are written into a new folder, others stay, and JSON lists them`() throws {
    let program = try ControlProgram()
    try program.write("mine", "a/b/other.txt")
    let result = try program.run("render", "-", "--output", "a/b", "--json", input: Array(Self.document.utf8))
    #expect(result.status == 0, "\(result.errors)")
    let files = try #require((try result.json() as? [String: Any])?["files"] as? [[String: Any]])
    let names = ["haproxy.cfg", "lvs-c1a7b3de-0000-4000-8000-000000000002.conf"]
    #expect(files.map { $0["name"] as? String } == names)
    for file in files {
      let text = try program.read(try #require(file["path"] as? String))
      #expect(text.utf8.count == file["bytes"] as? Int)
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: program.file("a/b")).sorted()
        == (names + ["other.txt"]).sorted())
  }

  @Test(arguments: ["in.yaml", "in.yml"])
  func `a YAML document is told by its name`(name: String) throws {
    let program = try ControlProgram()
    try program.write(
      """
      # JSON cannot say this
      loadbalancer:
        id: 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
        project_id: p1
        vip_address: 203.0.113.10
        listeners:
          - {id: c1a7b3de-0000-4000-8000-000000000001, protocol: HTTP, protocol_port: 80}
          - {id: c1a7b3de-0000-4000-8000-000000000002, protocol: UDP, protocol_port: 53}
      context:
        topology: SINGLE
        haproxy_version: "2.6.12"
        host_amphora_id: 11111111-2222-4333-8444-555555555501
        amphorae: [{id: 11111111-2222-4333-8444-555555555501, status: ALLOCATED, role: STANDALONE}]
      """, name)
    try program.write(Self.document, "in.json")
    for (input, output) in [(name, "yaml"), ("in.json", "json")] {
      let result = try program.run("render", input, "--output", output)
      #expect(result.status == 0, "\(result.errors)")
    }
    #expect(try program.read("yaml/haproxy.cfg") == program.read("json/haproxy.cfg"))
  }

  @Test(arguments: [
    (#""protocol_port": 80"#, #""protocol_port": 99999"#, "loadbalancer.listeners[0].protocol_port"),
    (#""protocol": "UDP""#, #""protocol": "UPD""#, "loadbalancer.listeners[1].protocol"),
    (#""vip_address": "203.0.113.10""#, #""vip_address": "203.0.113.10\n    bad""#, "loadbalancer.vip_address"),
    (#""context""#, #""kontext""#, "kontext"),
    ("{", "", "is not JSON"),
  ])
  func `what is wrong is named with its path, and nothing is written`(old: String, new: String, path: String) throws {
    let program = try ControlProgram()
    var text = Self.document
    text.replaceSubrange(try #require(text.range(of: old)), with: new)
    try program.write(text, "in.json")
    let result = try program.run("render", "in.json", "--output", "out")
    #expect(result.status == 1)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("error: in.json: ") && result.errors.contains(path), "\(result.errors)")
    #expect(!program.exists("out"))
  }

  @Test func `files are for all to read, folders as the umask has it`() throws {
    let program = try ControlProgram()
    try program.write(Self.document, "in.json")
    let command = "umask 077; exec \"$0\" render in.json --output a/b"
    let result = try program.finish(program.process(["-c", command, ControlProgram.path], program: "/bin/sh"))
    #expect(result.status == 0, "\(result.errors)")
    #expect(try program.mode("a") == 0o700 && program.mode("a/b") == 0o700)
    #expect(try program.mode("a/b/haproxy.cfg") == 0o644)
  }

  @Test func `a document or folder that cannot be used is named with the reason`() throws {
    let program = try ControlProgram()
    let missing = try program.run("render", "none.json", "--output", "out")
    #expect(missing.status == 2)
    #expect(missing.errors == "error: none.json: No such file or directory\n")
    try program.write("", "blocked")
    try program.write(Self.document, "in.json")
    let blocked = try program.run("render", "in.json", "--output", "blocked/out")
    #expect(blocked.status == 1)
    #expect(blocked.errors.contains("blocked/out"), "\(blocked.errors)")
  }
}
