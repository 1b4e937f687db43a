// amphoractl as operators run it: amphorae outlive the command, a killed command's work is continued by the next one.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import Files
import FoundationEssentials
import Glibc
import Netlink
import Synchronization
import Testing
import TestSupport

@Suite(.live, .serialized, .timeLimit(.minutes(8))) struct LoadBalancerCommandTests {
  /// A state folder and configuration of its own, with CAs.
  private struct Shell {
    let home: String
    private static let numbers = Atomic<Int>(0)

    init() async throws {
      home = "/run/amphora-lab/operator-\(Self.numbers.add(1, ordering: .relaxed).newValue)"
      try DurableFile.createDirectory(home, mode: 0o700)
      try write(ProcedureDocument(members: [("10.0.1.21", "red")]), "lb.json")
      #expect(try await run("ca", "init").status == 0)
    }

    func write(_ document: ProcedureDocument, _ name: String) throws {
      try DurableFile.write(Array(document.json.utf8), to: "\(home)/\(name)", mode: 0o600)
    }

    var environment: [String: String] {
      [
        "HOME": home, "AMPHORA_PASSPHRASE": "operator", "XDG_STATE_HOME": "\(home)/state",
        "XDG_CONFIG_HOME": "\(home)/etc",
      ]
    }

    private static func program() throws -> String {
      let agent = try getenv("AMPHORA_AGENT").map { String(cString: $0) } ?? FileRead.link("/proc/self/exe")
      return "\(agent[..<(agent.lastIndex(of: "/") ?? agent.startIndex)])/amphoractl"
    }

    /// Starts a command, its output in a file.
    func start(_ arguments: [String], log: String) throws -> ChildProcess {
      try ChildProcess([Self.program()] + arguments, environment: environment, output: "\(home)/\(log)")
    }

    func run(_ arguments: String...) async throws -> (status: Int32, output: String) {
      let child = try start(arguments, log: "out")
      return (await child.exitStatus(), FileRead.text("\(home)/out") ?? "")
    }
  }

  private func namespaces() throws -> [String] {
    try NetworkNamespace.list().map(\.name).filter {
      $0.hasPrefix("amph") && $0.contains("-") && !$0.hasPrefix("amphora")
    }
  }

  @Test func `apply, show, failover and delete work on amphorae that outlive them`() async throws {
    await LiveLab.shared.acquire()
    let shell = try await Shell()
    // The least that a document may say, in YAML.
    let yaml = """
      loadbalancer: {id: 11111111-1111-4111-8111-111111111111, project_id: p, vip_address: 203.0.113.9, vip_subnet_id: a}
      context:
        subnets: {a: {cidr: 203.0.113.0/24}}
      """
    try DurableFile.write(Array(yaml.utf8), to: "\(shell.home)/lb.yaml", mode: 0o600)
    let least = try await shell.run("apply", "\(shell.home)/lb.yaml", "--dry-run")
    #expect(least.status == 0 && least.output.contains("reserve the VIP 203.0.113.9"), "\(least)")
    let dry = try await shell.run("apply", "\(shell.home)/lb.json", "--dry-run")
    #expect(dry.status == 0 && dry.output.contains("11. mark the load balancer active"), "\(dry)")
    #expect(try namespaces() == [])
    #expect(try await shell.run("apply", "\(shell.home)/lb.json").status == 2, "nobody to ask")
    let applied = try await shell.run("apply", "\(shell.home)/lb.json", "--yes")
    #expect(applied.status == 0 && applied.output.contains("11/11 mark the load balancer active"), "\(applied)")
    #expect(try namespaces().count == 2, "an amphora and the fabric")
    let again = try await shell.run("apply", "\(shell.home)/lb.json", "--yes")
    #expect(again.status == 0 && again.output.contains("nothing to do"), "\(again)")

    let shown = try await shell.run("show", "0b1f", "--json")
    let body = try JSONDecoder().decode(Shown.self, from: Data(shown.output.utf8))
    #expect(body.status == "ACTIVE" && body.listeners == ["HTTP 80"] && !body.interrupted)
    let amphora = try #require(body.amphorae.first)
    #expect(amphora.answers == true && amphora.has_vip == true && amphora.role == "STANDALONE")

    let failed = try await shell.run("failover", "--amphora", amphora.id, "--yes", "--json")
    #expect(failed.status == 0 && failed.output.contains("\"changed\" : true"), "\(failed)")
    let after = try JSONDecoder().decode(Shown.self, from: Data(await shell.run("show", "0b", "--json").output.utf8))
    #expect(after.amphorae.count == 1 && after.amphorae[0].id != amphora.id && after.amphorae[0].answers == true)

    let deleted = try await shell.run("delete", "0b1f9a51", "--yes")
    #expect(deleted.status == 0, "\(deleted)")
    #expect(try namespaces() == [] && NetlinkSocket().links().allSatisfy { !$0.name.hasPrefix("amph") })
    #expect(FileRead.names(in: "/run/amphora-machines") == [])
    #expect(try await shell.run("show").output.contains("no load balancers"))
    await LiveLab.shared.release()
  }

  private struct Shown: Decodable {
    struct Amphora: Decodable {
      let id: String
      let role: String
      let answers: Bool?
      let has_vip: Bool?
    }
    let status: String
    let listeners: [String]
    let interrupted: Bool
    let amphorae: [Amphora]
  }

  @Test func `a killed apply is continued by the next, whatever step it was killed at`() async throws {
    await LiveLab.shared.acquire()
    let shell = try await Shell()
    for step in 1...10 {
      let log = "killed-\(step)"
      let child = try shell.start(["apply", "\(shell.home)/lb.json", "--yes"], log: log)
      // The line of a step comes when the step is on record; the next step has begun by then.
      try await poll("step \(step)", within: .seconds(60)) {
        (FileRead.text("\(shell.home)/\(log)") ?? "").contains("\(step)/11 ") || child.status != nil
      }
      kill(child.pid, SIGKILL)
      _ = await child.exitStatus()
      let resumed = try await shell.run("apply", "\(shell.home)/lb.json", "--yes")
      #expect(resumed.status == 0, "killed after step \(step): \(resumed)")
      let body = try JSONDecoder().decode(Shown.self, from: Data(await shell.run("show", "0b", "--json").output.utf8))
      #expect(body.status == "ACTIVE" && body.amphorae.count == 1 && !body.interrupted, "\(body)")
      #expect(try namespaces().count == 2, "killed after step \(step)")
      let deleted = try await shell.run("delete", "0b", "--yes")
      #expect(deleted.status == 0, "killed after step \(step): \(deleted)")
      #expect(try namespaces() == [])
    }
    await LiveLab.shared.release()
  }
}
