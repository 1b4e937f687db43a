// The doctor apart from its checks.

import Testing

@testable import AmphoraAgent

private struct Fixed: DoctorCheck {
  let name: String
  let findings: [Finding]
  func run(_ amphora: LocalAmphora) async -> [Finding] { findings }
}

/// A check that comes to no end.
private struct Endless: DoctorCheck {
  let name = "endless"
  func run(_ amphora: LocalAmphora) async -> [Finding] {
    try? await Task.sleep(for: .seconds(3600))
    return []
  }
}

@Suite struct DoctorTests {
  private let amphora = LocalAmphora(configurationFile: "/nonexistent/agent.conf", environment: [:])
  private let mixed = DoctorReport(findings: [
    .pass("disk", "40 % of / in use"), .warning("clock", "not synchronised", remedy: "systemctl start chrony"),
    .failure("namespace", "amphora-haproxy is missing", remedy: "amphora-agent netns up"),
  ])

  @Test func `what needs an act stands first, with the act below`() {
    #expect(
      mixed.text == """
        FAIL  namespace  amphora-haproxy is missing
              → amphora-agent netns up
        WARN  clock      not synchronised
              → systemctl start chrony
        PASS  disk       40 % of / in use
        1 failure, 1 warning, 1 passed
        """)
  }

  @Test func `the worst finding is the exit code`() {
    #expect(mixed.exitCode == 2)
    #expect(DoctorReport(findings: Array(mixed.findings.prefix(2))).exitCode == 1)
    #expect(DoctorReport(findings: Array(mixed.findings.prefix(1))).exitCode == 0)
  }

  @Test func `JSON has the verdict and every finding`() throws {
    let json = try mixed.json()
    #expect(json.contains(#""verdict" : "FAIL""#))
    #expect(json.contains(#""remedy" : "amphora-agent netns up""#))
  }

  @Test func `findings come in the order of the checks, and one that hangs is given up`() async {
    let doctor = Doctor(
      checks: [Endless(), Fixed(name: "a", findings: [.pass("a", "1")]), Fixed(name: "b", findings: [])],
      limit: .milliseconds(50))
    let report = await doctor.examine(amphora)
    #expect(report.findings.map(\.check) == ["endless", "a"])
    #expect(report.findings.first?.verdict == .warning)
  }

  @Test func `a configuration that is missing is a failure that names the file`() async {
    let findings = await ConfigurationCheck().run(amphora)
    #expect(findings.map(\.verdict) == [.failure])
    #expect(findings.first?.evidence == "/nonexistent/agent.conf: cannot open: No such file or directory")
  }
}
