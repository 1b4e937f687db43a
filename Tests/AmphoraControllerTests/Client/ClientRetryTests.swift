import Addresses
import AmphoraController
import AmphoraProtocol
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What is asked again and what is final: contract agent-api §1.4, §1.6.
@Suite struct ClientRetryTests {
  static let version = AgentStep.json(200, #"{"api_version":"1.0"}"#)
  static let notReady = AgentStep.answer(status: 404, contentType: "text/html", body: "<html>")
  static let noInterface = AgentStep.json(404, #"{"details":"No suitable network interface found"}"#)

  @Test func `an agent that is not ready is asked again after the profile's pause`() async throws {
    let clock = RecordingClock()
    let script: [AgentStep] = [
      Self.notReady, .hangUp, Self.noInterface, .tornAnswer, .answer(status: 404, contentType: nil, body: ""),
      Self.version,
    ]
    try await ClientLab.run(script: script, clock: clock) { client, agent in
      let answer = try await client.discover()
      #expect(answer == "1.0")
      #expect(agent.seen.count == 6)
    }
    #expect(clock.pauses == Array(repeating: .seconds(5), count: 5))
  }

  @Test func `progress tells each attempt, why it failed and when the next comes`() async throws {
    let steps = Mutex<[RequestProgress]>([])
    let script: [AgentStep] = [Self.noInterface, Self.version, Self.noInterface]
    try await ClientLab.run(script: script, retry: RetryProfile(attempts: 2, pause: .seconds(7))) { client, _ in
      let client = client.reporting { step in steps.withLock { $0.append(step) } }
      _ = try await client.discover()
      _ = try? await client.retrying(.once).discover()
    }
    let told = steps.withLock { $0 }
    let why = "No suitable network interface found"
    #expect(
      told.map(\.step) == [
        .began, .failed(reason: why, nextIn: .seconds(7)), .began, .succeeded, .began,
        .failed(reason: why, nextIn: nil),
      ])
    #expect(told.map(\.attempt) == [1, 1, 2, 2, 1, 1])
    #expect(told.map(\.attempts) == [2, 2, 2, 2, 1, 1])
    #expect(told.allSatisfy { $0.request == "GET /" && $0.amphora.text == ClientLab.amphoraText })
    #expect(told[1].description.hasSuffix("attempt 1 of 2: \(why); again in 7.0 seconds"))
  }

  @Test func `a refusal ends the progress`() async throws {
    let steps = Mutex<[RequestProgress.Step]>([])
    try await ClientLab.run(script: [.json(409, "{}")]) { client, _ in
      _ = try? await client.reporting { step in steps.withLock { $0.append(step.step) } }.info()
    }
    #expect(steps.withLock { $0 } == [.began, .refused(status: 409)])
  }

  @Test(arguments: [(RetryProfile.normal, 120, 5), (.failover, 15, 2), (.victim, 2, 5), (.once, 1, 0)])
  func `each profile gives up after its attempts`(profile: RetryProfile, attempts: Int, pause: Int) async throws {
    let clock = RecordingClock()
    // A port on which nothing listens any more.
    let address = try #require(IPAddress("127.0.0.1"))
    let lab = try ClientLab.shared.get()
    let socket = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(
      host: "127.0.0.1", port: 0
    ).get()
    let port = try #require(socket.localAddress?.port)
    let client = try AmphoraClient(
      endpoint: AmphoraEndpoint(amphora: lab.amphora, address: address, port: port), credentials: lab.credentials,
      retry: profile, clock: clock)
    let error = await #expect(throws: AmphoraClientError.self) {
      try await ClientLab.closing(client, nil) { try await client.discover() }
    }
    try await socket.close()
    guard case .unreachable(lab.amphora, "GET /", attempts, let reason)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!reason.isEmpty)
    #expect(clock.pauses == Array(repeating: .seconds(pause), count: attempts - 1))
  }

  @Test(arguments: [400, 401, 403, 405, 409, 413, 418, 422, 429, 500, 501, 503])
  func `a final answer is not asked for again and keeps its body`(status: Int) async throws {
    let clock = RecordingClock()
    try await ClientLab.run(script: [.json(status, #"{"message":"m","details":"d"}"#)], clock: clock) { client, agent in
      let error = await #expect(throws: AmphoraClientError.self) { try await client.info() }
      let refusal = try #require(error?.refusal)
      #expect(refusal.status == status && refusal.message == "m" && refusal.details == "d")
      #expect(refusal.request == "GET /1.0/info")
      #expect(agent.seen.count == 1)
      let isExpected =
        switch error {
        case .invalidRequest: status == 400 || status == 405
        case .unauthorized: status == 401
        case .forbidden: status == 403
        case .conflict: status == 409
        case .internalServerError: status == 500
        case .serviceUnavailable: status == 503
        case .unexpectedStatus: ![400, 401, 403, 404, 405, 409, 500, 503].contains(status)
        default: false
        }
      #expect(isExpected, "\(String(describing: error))")
    }
    #expect(clock.pauses == [])
  }

  @Test(arguments: [
    #"{"message":"m"}"#, #"{"message":"m","details":null}"#,
    #"{"message":"m","details":["No suitable network interface found"]}"#,
    "[]", "not JSON", "",
  ])
  func `a JSON 404 is final whatever its body`(body: String) async throws {
    try await ClientLab.run(script: [.json(404, body)]) { client, agent in
      let error = await #expect(throws: AmphoraClientError.self) { try await client.info() }
      guard case .notFound(let refusal)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(refusal.message == (body.contains("\"m\"") ? "m" : nil))
      #expect(agent.seen.count == 1)
    }
  }

  @Test func `the framework's error text is kept`() async throws {
    let body = #"{"error":"409 Conflict: udp_check.sh not Found","http_code":409}"#
    try await ClientLab.run(script: [.json(409, body)]) { client, _ in
      let error = await #expect(throws: AmphoraClientError.self) { try await client.info() }
      #expect(error?.refusal?.message == "409 Conflict: udp_check.sh not Found")
      #expect(error?.description.contains("udp_check.sh") == true)
    }
  }

  @Test func `a redirect is not followed`() async throws {
    try await ClientLab.run(script: [.answer(status: 308, contentType: nil, body: "")]) { client, agent in
      let error = await #expect(throws: AmphoraClientError.self) { try await client.info() }
      guard case .unexpectedStatus? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(agent.seen.count == 1)
    }
  }

  @Test(arguments: ["", "{}", "[]", "null", #"{"api_version":1}"#])
  func `a good status with an unusable body is an error`(body: String) async throws {
    try await ClientLab.run(script: [.json(200, body)]) { client, agent in
      let error = await #expect(throws: AmphoraClientError.self) { try await client.discover() }
      guard case .unusableAnswer(_, "GET /", _)? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(agent.seen.count == 1)
    }
  }

  @Test func `a silent agent runs into the read timeout and is asked again`() async throws {
    let clock = RecordingClock()
    let timeouts = RequestTimeouts(connect: .seconds(10), read: .milliseconds(300))
    // On a busy machine an answer may come too late as well, so there are several.
    let script = [.silence] + [AgentStep](repeating: Self.version, count: 20)
    try await ClientLab.run(script: script, clock: clock, timeouts: timeouts) { client, agent in
      let version = try await client.discover()
      #expect(version == "1.0")
      #expect(agent.seen.count >= 2)
    }
    #expect(!clock.pauses.isEmpty && clock.pauses.allSatisfy { $0 == .seconds(5) })
  }

  @Test func `a host that accepts but never shakes hands runs into the connect timeout`() async throws {
    let lab = try ClientLab.shared.get()
    let address = try #require(IPAddress("127.0.0.1"))
    let mute = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0)
      .get()
    let port = try #require(mute.localAddress?.port)
    let client = try AmphoraClient(
      endpoint: AmphoraEndpoint(amphora: lab.amphora, address: address, port: port), credentials: lab.credentials,
      retry: .victim, timeouts: RequestTimeouts(connect: .milliseconds(200)), clock: RecordingClock())
    let error = await #expect(throws: AmphoraClientError.self) {
      try await ClientLab.closing(client, nil) { try await client.discover() }
    }
    try await mute.close()
    guard case .unreachable(_, _, 2, _)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `a cancelled task ends its request at once`() async throws {
    try await ClientLab.run(script: [.silence]) { client, agent in
      let task = Task { try await client.discover() }
      let deadline = ContinuousClock.now + .seconds(60)
      while agent.seen.isEmpty && ContinuousClock.now < deadline { await Task.yield() }
      #expect(agent.seen.count == 1)
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(ContinuousClock.now < deadline)
    }
  }

  @Test func `a cancelled task ends its pause at once`() async throws {
    try await ClientLab.run(
      script: [Self.notReady], retry: RetryProfile(attempts: 2, pause: .seconds(3600)), clock: ContinuousClock()
    ) { client, agent in
      let task = Task { try await client.discover() }
      let deadline = ContinuousClock.now + .seconds(60)
      while agent.seen.isEmpty && ContinuousClock.now < deadline { await Task.yield() }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(ContinuousClock.now < deadline)
      #expect(agent.seen.count == 1)
    }
  }

  @Test func `after shutdown a request fails without attempts`() async throws {
    let clock = RecordingClock()
    try await ClientLab.run(clock: clock) { client, agent in
      try await client.shutdown()
      let error = await #expect(throws: AmphoraClientError.self) { try await client.discover() }
      guard case .clientIsShutDown? = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(agent.seen.isEmpty)
    }
    #expect(clock.pauses == [])
  }

  @Test func `another patience is a copy over the same connections`() async throws {
    let clock = RecordingClock()
    try await ClientLab.run(script: [Self.notReady, Self.notReady], clock: clock) { client, agent in
      let hasty = client.retrying(.victim)
      #expect(client.retry == .normal)
      await #expect(throws: AmphoraClientError.self) { try await hasty.info() }
      #expect(agent.seen.count == 2)
    }
    #expect(clock.pauses == [.seconds(5)])
  }
}
