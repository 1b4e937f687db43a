// The tutorial of the controller library: its code runs, against real agents, and the article shows that very code.

import AmphoraController
import AmphoraLab
import AmphoraProtocol
import FoundationEssentials
import Synchronization
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(5))) struct TutorialTests {
  private static func text(_ path: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
  }

  /// What the tutorial says.
  private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    @Sendable func add(_ line: String) { lines.withLock { $0.append(line) } }
  }

  /// The article's fenced blocks in a language.
  private static func blocks(_ language: String) throws -> [String] {
    let article = try text("Sources/AmphoraController/AmphoraController.docc/TwoAmphorae.md")
    return try article.components(after: "```\(language)\n", before: "```\n")
  }

  @Test func `the article shows the code that runs`() throws {
    let source = try Self.text("Tests/LiveTests/Procedures/Tutorial.swift")
    let marked = try source.components(after: "// tutorial: begin\n", before: "// tutorial: end\n")
    let shown = try Self.blocks("swift")
    #expect(marked.count == 1 && marked == shown)
  }

  @Test(.live) func `the tutorial's pair serves, and its dead amphora is replaced`() async throws {
    try await ProcedureLab.with { lab in
      try await lab.startMember("one", on: "red", "10.0.1.21")
      try await lab.startMember("two", on: "red", "10.0.1.22")
      let document = try LoadBalancerDocument(yaml: #require(Self.blocks("yaml").first))
      let (procedures, driver) = try await lab.procedures()
      let address = "\(try driver.controllerAddress)"
      let said = Lines()
      let tutorial = Task {
        do {
          try await runPair(
            document, on: driver, address: address, folder: lab.directory, passphrase: "passphrase",
            heartbeatKey: "heartbeat key", log: said.add)
        } catch {
          said.add("ended: \(error)")
          throw error
        }
      }
      defer { tutorial.cancel() }
      let survivor: AmphoraID
      do {
        survivor = try await Self.expectReplacement(lab, driver, said)
      } catch {
        Issue.record("the tutorial said:\n\(said.all.joined(separator: "\n"))")
        throw error
      }
      // It ends without an error.
      tutorial.cancel()
      try await tutorial.value

      // The new amphora serves alone when the other one of the pair dies as well.
      try await driver.cutPower(of: survivor)
      try await lab.waitForAnswers(["one", "two"])
      try await procedures.delete(document.id)
    }
  }

  /// Lets an amphora die, and waits until the running tutorial has replaced it; the amphora that is still there.
  private static func expectReplacement(
    _ lab: ProcedureLab, _ driver: NamespaceDriver, _ said: Lines
  ) async throws -> AmphoraID {
    // One that was never heard is never called silent.
    try await poll("both amphorae are heard", within: .seconds(120)) {
      try #require(!said.all.contains { $0.hasPrefix("ended: ") })
      let pair = try StateDirectory("\(lab.directory)/state").record(ProcedureDocument.id)?.amphorae ?? []
      return pair.count == 2 && pair.allSatisfy { amphora in said.all.contains("appeared(\(amphora.id))") }
    }
    try await lab.waitForAnswers(["one", "two"])
    let pair = try lab.record().amphorae
    #expect(Set(pair.map(\.role)) == [.master, .backup])
    let dead = try #require(pair.first { $0.role == .master }).id
    try await driver.cutPower(of: dead)
    try await poll("amphora \(dead) is replaced", within: .seconds(120)) {
      try #require(!said.all.contains { $0.hasPrefix("ended: ") })
      let record = try lab.record()
      return record.amphora(dead) == nil && record.status == .active
    }
    #expect(try lab.record().servingAmphorae.count == 2)
    try await lab.expectConsistent(driver)
    try await lab.waitForAnswers(["one", "two"])
    return try #require(pair.first { $0.role == .backup }).id
  }
}

extension String {
  /// What stands between each pair of marks; an opening without its end is an error.
  fileprivate func components(after begin: String, before end: String) throws -> [String] {
    var rest = self[...]
    var found: [String] = []
    while let opening = rest.firstRange(of: begin) {
      let closing = try #require(rest[opening.upperBound...].firstRange(of: end))
      found.append(String(rest[opening.upperBound..<closing.lowerBound]))
      rest = rest[closing.upperBound...]
    }
    return found
  }
}
