// Rotations of agents that misbehave; LiveTests/CertificateRotationTests rotates real ones.

import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import Testing

@Suite struct CertificateRotationTests {
  private static func rotation() throws -> CertificateRotation {
    CertificateRotation(authority: try CertificateAuthority.create(name: "new server CA"))
  }

  @Test func `an agent that goes on showing the old certificate has not been rotated`() async throws {
    try await ClientLab.run { client, agent in
      let error = await #expect(throws: RotationError.self) { try await Self.rotation().rotate(client) }
      guard case .notServed(let amphora, let uploaded, let served)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(amphora == client.endpoint.amphora)
      let shown = try await client.servedCertificate()
      #expect(shown.serial == served)
      #expect(uploaded != served)
      #expect(agent.seen.map(\.line) == ["GET /", "PUT /1.0/certificate", "GET /", "GET /"])
      #expect(agent.seen[1].body.contains("-----BEGIN CERTIFICATE-----"))
    }
  }

  @Test func `a refused upload is the agent's refusal`() async throws {
    let script: [AgentStep] = [.ok, .json(400, #"{"message": "Invalid certificate", "details": "why"}"#)]
    try await ClientLab.run(script: script) { client, agent in
      let error = await #expect(throws: AmphoraClientError.self) { try await Self.rotation().rotate(client) }
      #expect(error?.refusal?.message == "Invalid certificate")
      #expect(agent.seen.count == 2)
    }
  }

  @Test func `an upload whose answer is lost is repeated with the same certificate`() async throws {
    try await ClientLab.run(script: [.ok, .hangUp, .ok]) { client, agent in
      await #expect(throws: RotationError.self) { try await Self.rotation().rotate(client) }
      let uploads = agent.seen.filter { $0.method == "PUT" }
      #expect(uploads.count == 2 && uploads[0].body == uploads[1].body)
    }
  }

  @Test func `an amphora that is not there is found out before anything is issued`() async throws {
    try await ClientLab.run(script: [.hangUp], retry: .once) { client, agent in
      let error = await #expect(throws: AmphoraClientError.self) {
        try await Self.rotation().rotate(client) { step in Issue.record("\(step)") }
      }
      guard case .unreachable? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(agent.seen.map(\.line) == ["GET /"])
    }
  }

  @Test(.timeLimit(.minutes(1))) func `an agent that never answers ends the look at its certificate in time`()
    async throws
  {
    let timeouts = RequestTimeouts(connect: .milliseconds(300), read: .milliseconds(300))
    try await ClientLab.run(script: [.silence], retry: .once, timeouts: timeouts) { client, _ in
      let error = await #expect(throws: AmphoraClientError.self) { try await client.servedCertificate() }
      #expect(error?.description.contains("no answer in time") == true)
    }
  }

  @Test func `one that fails does not hold up the others`() async throws {
    let lab = try ClientLab.shared.get()
    try await ClientLab.run(script: [.json(404, "{}")], retry: .once) { client, _ in
      let strange = try AmphoraClient(
        endpoint: AmphoraEndpoint(
          amphora: lab.otherAmphora, address: client.endpoint.address, port: client.endpoint.port),
        credentials: lab.credentials, retry: .once)
      var ended: [AmphoraID: Bool] = [:]
      let areAllDone = try await Self.rotation().rotateAll([strange, client], width: 1) { amphora, result in
        // The agent shows the certificate of one amphora for both.
        if case .failure(let error) = result { ended[amphora] = error is RotationError }
      }
      try await strange.shutdown()
      #expect(!areAllDone)
      #expect(ended == [lab.otherAmphora: false, lab.amphora: true])
    }
  }
}
