// The library's rotations and rollovers against real agents: no call and no request through the VIP fails meanwhile.

import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Glibc
import Synchronization
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(3))) struct CertificateRotationTests {
  /// Does something over and over until the body ends, and counts; no time may be lost between two.
  private final class Load: Sendable {
    private let state = Mutex((isOn: true, done: 0, failures: [String]()))

    /// How often it went well.
    var done: Int { state.withLock { $0.done } }

    func run(_ work: @Sendable () async throws -> String?) async {
      while state.withLock({ $0.isOn }) {
        let failure: String?
        do { failure = try await work() } catch { failure = "\(error)" }
        state.withLock { if let failure { $0.failures.append(failure) } else { $0.done += 1 } }
      }
    }

    func stop() { state.withLock { $0.isOn = false } }
    var failures: [String] { state.withLock { $0.failures } }
  }

  @Test func `rotations under calls and traffic fail no call and no request`() async throws {
    try await withStage { stage in
      let amphora = stage.amphora
      try await stage.deploy()
      try await stage.waitForTraffic()
      let (calls, requests) = (Load(), Load())
      let client = amphora.client
      async let calling: Void = calls.run {
        _ = try await client.info()
        return nil
      }
      async let requesting: Void = requests.run {
        let result = try await stage.get()
        return result.status == 200 ? nil : "\(result)"
      }
      var serials: Set<String> = [try await amphora.servedCertificate().serial]
      let rotation = CertificateRotation(authority: amphora.lab.serverCA)
      for _ in 1...5 {
        let before = (calls.done, requests.done)
        let steps = Mutex<[String]>([])
        let rotated = try await rotation.rotate(client) { step in
          steps.withLock { $0.append("\(step)".prefix { $0 != "(" }.lowercased()) }
        }
        #expect(serials.contains(rotated.previous.serial))
        #expect(serials.insert(rotated.current.serial).inserted)
        #expect(steps.withLock { $0 } == ["issued", "uploaded", "verified"])
        // openssl sees it as well.
        #expect(try await amphora.servedCertificate() == rotated.current)
        try await poll("calls and requests after the rotation") { calls.done > before.0 && requests.done > before.1 }
      }
      calls.stop()
      requests.stop()
      _ = await (calling, requesting)
      #expect(calls.failures == [] && requests.failures == [])
      #expect(calls.done >= 5 && requests.done >= 5)
    }
  }

  @Test func `all amphorae are rotated, and one that is down is named`() async throws {
    try await withAmphorae([.init(), .init()]) { amphorae in
      let before = try await (amphorae[0].servedCertificate(), amphorae[1].servedCertificate())
      #expect(try await amphorae[1].stopAgent() == 0)
      let rotation = CertificateRotation(authority: amphorae[0].lab.serverCA)
      var results: [AmphoraID: Bool] = [:]
      let areAllDone = try await rotation.rotateAll(amphorae.map(\.client)) { amphora, result in
        results[amphora] = (try? result.get()) != nil
      }
      #expect(!areAllDone)
      #expect(results == [amphorae[0].id: true, amphorae[1].id: false])
      try await amphorae[1].startAgent()
      #expect(try await amphorae[1].servedCertificate() == before.1, "what was down has its old certificate")
      #expect(try await amphorae[0].servedCertificate() != before.0)
      #expect(try await rotation.rotateAll(amphorae.map(\.client)) { _, _ in })
      #expect(try await amphorae[1].servedCertificate() != before.1)
    }
  }

  /// A task that can be cancelled from within its own work.
  private final class Interruption: Sendable {
    private let task = Mutex<Task<RotatedCertificate, any Error>?>(nil)

    func cancel() { task.withLock { $0?.cancel() } }

    func run(
      _ work: @escaping @Sendable (Interruption) async throws -> RotatedCertificate
    ) async -> Result<RotatedCertificate, any Error> {
      let (gate, opener) = AsyncStream.makeStream(of: Void.self)
      let new = Task {
        // Not before the task is known here, or a cancellation could find none.
        for await _ in gate {}
        return try await work(self)
      }
      task.withLock { $0 = new }
      opener.finish()
      return await new.result
    }
  }

  private static let steps = ["issued", "uploaded", "verified"]

  @Test(arguments: steps)
  func `a rotation that is interrupted is safe to repeat`(step: String) async throws {
    try await withAmphora { amphora in
      let client = amphora.client
      let rotation = CertificateRotation(authority: amphora.lab.serverCA)
      let interrupted = await Interruption().run { interruption in
        try await rotation.rotate(client) { done in
          if "\(done)".hasPrefix(step) { interruption.cancel() }
        }
      }
      // The last step has nothing behind it to interrupt.
      if step != "verified" { #expect(throws: CancellationError.self) { try interrupted.get() } }
      // Whichever certificate is there, it is a good one for this amphora.
      _ = try await client.discover()
      let rotated = try await rotation.rotate(client)
      #expect(try await amphora.servedCertificate() == rotated.current)
      #expect(amphora.names(in: "/etc/octavia/certs") == ["client_ca.pem", "server.pem"])
    }
  }

  @Test func `the server CA is replaced without a failed call`() async throws {
    try await withAmphora { amphora in
      let folder = AuthorityFolder(path: try TemporaryFolder().path, role: .server)
      try amphora.lab.serverCA.store(certificatePath: folder.certificatePath, keyPath: folder.keyPath, passphrase: "p")
      let clientPEM = amphora.lab.credentials.clientPEM
      /// A controller that reads what is trusted when it starts.
      func controller() throws -> AmphoraClient {
        let bundle = try folder.trusted().map { try $0.pem() }.joined()
        return try AmphoraClient(
          endpoint: amphora.machine.endpoint,
          credentials: ControllerCredentials(clientPEM: clientPEM, serverCAPEM: bundle), retry: .once)
      }
      let before = try controller()
      _ = try folder.prepareRollover(name: "second server CA", passphrase: "p")
      let during = try controller()
      let load = Load()
      async let calling: Void = load.run {
        _ = try await during.discover()
        return nil
      }
      try folder.activateSuccessor(passphrase: "p")
      let rotated = try await CertificateRotation(authority: try folder.load(passphrase: "p")).rotate(during)
      #expect(rotated.current.issuer == "CN=second server CA")
      try await poll("calls after the rotation") { load.done > 3 }
      load.stop()
      await calling
      #expect(load.failures == [])
      try folder.finishRollover(passphrase: "p")
      let after = try controller()
      #expect(try await after.discover() == "1.0")
      // Who did not learn the new CA in time is locked out: why the bundle comes first.
      await #expect(throws: AmphoraClientError.self) { try await before.discover() }
      for client in [before, during, after] { try await client.shutdown() }
    }
  }

  @Test func `a new client CA counts once its file is there, the old one until it goes`() async throws {
    try await withAmphora { amphora in
      let folder = AuthorityFolder(path: try TemporaryFolder().path, role: .client)
      try amphora.lab.clientCA.store(certificatePath: folder.certificatePath, keyPath: folder.keyPath, passphrase: "p")
      let successor = try folder.prepareRollover(name: "second client CA", passphrase: "p")
      let serverCAPEM = amphora.lab.credentials.serverCAPEM
      func answers(_ pem: String) async throws -> Bool {
        let client = try AmphoraClient(
          endpoint: amphora.machine.endpoint,
          credentials: ControllerCredentials(clientPEM: pem, serverCAPEM: serverCAPEM), retry: .once)
        let answer = try? await client.discover()
        try await client.shutdown()
        return answer == "1.0"
      }
      func deliver() async throws {
        try await amphora.write(
          try folder.trusted().map { try $0.pem() }.joined(), to: "/etc/octavia/certs/client_ca.pem")
      }
      let old = amphora.lab.credentials.clientPEM
      let new = try successor.issueControllerCertificate(name: "controller").pem
      #expect(try await answers(old))
      #expect(try await !answers(new), "the amphora does not know the new CA yet")
      try await deliver()
      #expect(try await answers(old))
      #expect(try await answers(new))
      try folder.activateSuccessor(passphrase: "p")
      try folder.finishRollover(passphrase: "p")
      try await deliver()
      #expect(try await !answers(old))
      #expect(try await answers(new))
    }
  }
}
