// Documents in YAML: the same documents and the same errors as in JSON, with lines, and nothing of YAML's dark corners.

import FoundationEssentials
import Testing

@testable import AmphoraController

@Suite struct YAMLDocumentTests {
  static let small = """
    loadbalancer:
      id: 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
      project_id: 7ac5d5c0c9f14b6f8e7d6c5b4a392817
      vip_address: 10.0.0.10
      listeners:
        - id: c1a7b3de-0000-4000-8000-000000000001
          protocol: HTTP
          protocol_port: 80
          default_pool:
            id: d0000000-0000-4000-8000-000000000001
            protocol: HTTP
            lb_algorithm: ROUND_ROBIN
            members:
              - {id: f0000000-0000-4000-8000-000000000001, address: 10.0.1.21, protocol_port: 8080, backup: true}
              - id: f0000000-0000-4000-8000-000000000002
                address: "2001:db8::22"
                protocol_port: 8080
                weight: 3   # three times as much
    context:
      topology: SINGLE
      haproxy_version: 2.6.12-1+deb12u4
    """

  private func error(_ yaml: String) -> DocumentError? {
    do {
      _ = try LoadBalancerDocument(yaml: yaml)
      return nil
    } catch {
      return error as? DocumentError ?? DocumentError("", "another error: \(error)")
    }
  }

  private func replacing(_ text: String, with other: String) -> String {
    Self.small.replacing(text, with: other)
  }

  @Test func `a document reads as it is written`() throws {
    let document = try LoadBalancerDocument(yaml: Self.small)
    let members = try #require(document.loadBalancer.listeners.first?.defaultPool?.members)
    #expect(members.map(\.address.rawValue) == ["10.0.1.21", "2001:db8::22"])
    #expect(members.map(\.weight) == [1, 3])
    #expect(members.map(\.backup) == [true, false])
    #expect(document.context.haproxyVersion.text == "2.6.12-1+deb12u4")
  }

  @Test func `every document in JSON is the same document in YAML`() throws {
    let json = try JSONEncoder().encode(Documents.everything)
    #expect(
      try LoadBalancerDocument(yaml: String(decoding: json, as: UTF8.self)) == LoadBalancerDocument(json: json))
  }

  @Test(arguments: VectorFolder.all) func `every vector is the same document in YAML`(vector: Vector) throws {
    let text = try String(contentsOf: URL(filePath: "\(vector.folder)/input.json"), encoding: .utf8)
    #expect(try LoadBalancerDocument(yaml: text) == vector.document())
  }

  @Test(arguments: DocumentErrorTests.cases) func `a wrong field is named as in JSON, with its line`(
    example: DocumentErrorTests.Case
  ) throws {
    let document = Documents.everything.replacing(example.path, with: example.value)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .prettyPrinted
    let text = String(decoding: try encoder.encode(document), as: UTF8.self)
    let error = try #require(throws: DocumentError.self) {
      try ConfigurationFiles.render(LoadBalancerDocument(yaml: text))
    }
    #expect(DocumentError(error.path, error.reason).description == example.error)
  }

  @Test(arguments: [
    (
      "weight: 3", "weight: 300",
      "loadbalancer.listeners[0].default_pool.members[1].weight: 300 is outside 0...256 (line 18)"
    ),
    (
      "weight: 3", "wieght: 3",
      "loadbalancer.listeners[0].default_pool.members[1].wieght: is not a known field (line 18)"
    ),
    (
      "weight: 3", "weight: \"3\"",
      "loadbalancer.listeners[0].default_pool.members[1].weight: is a string, not an integer (line 18)"
    ),
    (
      "weight: 3", "weight: 0x3",
      "loadbalancer.listeners[0].default_pool.members[1].weight: is a string, not an integer (line 18)"
    ),
    (
      "weight: 3", "weight: 03",
      "loadbalancer.listeners[0].default_pool.members[1].weight: is a string, not an integer (line 18)"
    ),
    (
      "weight: 3", "weight: 1_0",
      "loadbalancer.listeners[0].default_pool.members[1].weight: is a string, not an integer (line 18)"
    ),
    (
      "weight: 3", "weight: 3.0",
      "loadbalancer.listeners[0].default_pool.members[1].weight: is a number, not an integer (line 18)"
    ),
    (
      "weight: 3", "weight: true",
      "loadbalancer.listeners[0].default_pool.members[1].weight: is a boolean, not an integer (line 18)"
    ),
    (
      "backup: true", "backup: yes",
      "loadbalancer.listeners[0].default_pool.members[0].backup: is a string, not true or false (line 14)"
    ),
    (
      "protocol: HTTP\n      protocol_port", "protocol_port", "loadbalancer.listeners[0].protocol: is required (line 6)"
    ),
    ("2.6.12-1+deb12u4", "2.6", "context.haproxy_version: is a number, not a string (line 21)"),
    (
      "7ac5d5c0c9f14b6f8e7d6c5b4a392817", "12345678901234567890123456789012",
      "loadbalancer.project_id: is a number, not a string (line 3)"
    ),
    ("7ac5d5c0c9f14b6f8e7d6c5b4a392817", "1234567e12", "loadbalancer.project_id: is a number, not a string (line 3)"),
    (
      "SINGLE", "!!int 1", "context.topology: has the tag \"tag:yaml.org,2002:int\", which means nothing here (line 20)"
    ),
    (
      "SINGLE", "!!binary U0lOR0xF",
      "context.topology: has the tag \"tag:yaml.org,2002:binary\", which means nothing here (line 20)"
    ),
    (
      "  topology", "  topology: SINGLE\n  topology",
      "the document has the key \"topology\" twice in one object (line 20)"
    ),
    (
      "  topology", "  \"topology\": SINGLE\n  topology",
      "the document has the key \"topology\" twice in one object (line 20)"
    ),
    (
      "weight: 3", "[a, b]: 3",
      "loadbalancer.listeners[0].default_pool.members[1]: has a key that is not a string (line 18)"
    ),
    ("SINGLE", "*unknown", "the document is not YAML: found undefined alias (line 20)"),
    ("SINGLE", "\"SINGLE", "the document is not YAML: found unexpected end of stream (line 21)"),
  ]) func `what is wrong is named with its line`(text: String, other: String, gives: String) {
    let yaml = Self.small.replacing(text, with: other)
    #expect(yaml != Self.small)
    #expect(error(yaml)?.description == gives)
  }

  @Test func `a quoted number is a string, and strings that look like words are strings`() throws {
    let yaml = replacing("7ac5d5c0c9f14b6f8e7d6c5b4a392817", with: "\"12345678901234567890123456789012\"")
    #expect(try LoadBalancerDocument(yaml: yaml).loadBalancer.projectID.rawValue == "12345678901234567890123456789012")
    #expect(
      try DocumentValue(yaml: "[yes, no, on, 12:30, 2001-01-01, '1', !!str 1, 1, -1.5, ~, null, TRUE, .inf]")
        == [
          "yes", "no", "on", "12:30", "2001-01-01", "1", "1", 1, .number(-1.5), .null, .null, .bool(true), ".inf",
        ])
  }

  @Test(arguments: [
    ("", "the document is empty"), ("# nothing\n", "the document is empty"),
    ("a: 1\n---\nb: 2\n", "the document is followed by another one (line 2)"),
    ("\tloadbalancer: 1", "the document is not YAML: found character that cannot start any token (line 1)"),
    ("[]", "the document is a list, not an object"), ("text", "the document is a string, not an object"),
  ]) func `what is no single document says so`(yaml: String, gives: String) {
    #expect(
      error(yaml)?.description.replacing(" (line 1)", with: "")
        == gives.replacing(" (line 1)", with: ""))
  }

  // MARK: Aliases

  @Test func `an anchored object can be used again`() throws {
    let value = try DocumentValue(yaml: "pool: &p {a: 1, b: [x, 'y z: *w']}\nother: *p\nlist: [*p, *p]\n")
    let pool: DocumentValue = ["a": 1, "b": ["x", "y z: *w"]]
    #expect(value == ["pool": pool, "other": pool, "list": [pool, pool]])
  }

  @Test(.timeLimit(.minutes(1))) func `aliases of aliases end at a bound`() {
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      yaml += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    #expect(error(yaml)?.description == "the document has more than 200000 values, aliases counted")
  }

  @Test(
    .timeLimit(.minutes(1)),
    arguments: [
      "*a20 : x", "? *a20\n: x", "? [*a20]\n: x", "{*a20 : x}", "[*a20, *a20]: x", "{[*a20]: x}", "b: {? *a20 : x}",
      "{{z: *a20}: x}", "b: [*a20 : x]", "{?*a20 : 1}",
    ])
  func `aliases as keys are refused before anybody hashes them`(key: String) {
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      yaml += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
    }
    let description = error(yaml + key + "\n")?.description
    #expect(
      description == "the document has anchors and seems to have a list, an object or an alias as a key (line 22)")
  }

  @Test(.timeLimit(.minutes(1)), arguments: ["[", "{a: ", "- ", "? "]) func `deep nesting is refused`(opening: String) {
    #expect(error(String(repeating: opening, count: 100_000)) != nil)
    let some = error(String(repeating: "[", count: 80) + String(repeating: "]", count: 80))
    #expect(some?.reason == "is nested deeper than 64 levels")
  }

  @Test func `a text that is too long is refused`() {
    let yaml = "# " + String(repeating: "x", count: YAMLDocument.maximumBytes)
    #expect(error(yaml)?.description == "the document is longer than 4194304 bytes")
  }
}
