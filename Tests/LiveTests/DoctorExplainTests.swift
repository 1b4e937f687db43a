// `amphora-agent explain haproxy` in an amphora at work.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct DoctorExplainTests {
  @Test func `the output tells states, holds the file unchanged, and haproxy accepts it`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      stage.members[1].stop()
      _ = try await amphora.fault("pools", .warning)
      let output = try await amphora.run("\(amphora.vm.agent) explain haproxy").output
      let flat = output.replacing("\n    #:  ", with: "").replacing("\n#:  ", with: "")
      #expect(flat.contains("#: listener \(stage.balancer.listener): HTTP on 203.0.113.10:80;"), "\(output)")
      #expect(flat.contains("OPEN, 0 of 2,000 sessions"))
      #expect(flat.contains("#: member f0000000-0000-4000-8000-000000000002 at 10.0.1.22:8080, weight 1; DOWN for"))
      #expect(flat.contains("L4CON") && flat.contains("ids only"))
      #expect(flat.contains("#: health monitor of the pool: HTTP GET /"))
      let own = output.split(separator: "\n", omittingEmptySubsequences: false).filter {
        !$0.drop { $0 == " " }.hasPrefix(HAProxyExplanation.mark)
      }
      #expect(own.joined(separator: "\n") == (try stage.balancer.haproxyConfiguration()))
      #expect(output.split(separator: "\n").filter { $0.contains("#:") }.allSatisfy { $0.count <= 80 })
      try await amphora.write(output, to: "/run/explained.cfg")
      let check = try await amphora.run(
        "/usr/sbin/haproxy -c -f /run/explained.cfg -f /var/lib/octavia/haproxy-default-user-group.conf")
      #expect(check.isSuccess, "\(check.output)")

      let json = try await amphora.run("\(amphora.vm.agent) explain haproxy --json \(stage.id)").output
      #expect(json.contains(#""kind" : "member""#) && json.contains(#""status" : "DOWN""#))
      try await amphora.client.control(stage.object, .stop)
      let still = try await amphora.run("\(amphora.vm.agent) explain haproxy")
      #expect(still.isSuccess && still.output.contains("haproxy does not run."))
      let unknown = try await amphora.run("\(amphora.vm.agent) explain haproxy \(freshID())")
      #expect(unknown.status == 1 && unknown.output.contains("there are: \(stage.id)"))
    }
  }
}
