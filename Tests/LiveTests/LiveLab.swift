// The one lab of the test process, and the amphorae that tests boot in it. Each has VIP and member networks of its own, so
// that tests can use the contract's example addresses side by side.

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Glibc
import Testing

/// Where these tests can run.
enum Live {
  static let isPossible = geteuid() == 0 && Sandbox.isInside
  static let why: Comment = "needs root, in the sandbox that Tests/run makes (AMPHORA_SANDBOX=1)"
}

extension Trait where Self == ConditionTrait {
  /// Skips with a message where no lab can be made.
  static var live: Self { .enabled(if: Live.isPossible, Live.why) }
}

/// Boots amphorae, a few at a time: two processors carry no more without missing deadlines.
actor LiveLab {
  static let shared = LiveLab()
  private var lab: Lab?
  private var lastNumber = 0
  private var free = 4
  private var waiting: [CheckedContinuation<Void, Never>] = []
  private var plain: Task<LiveAmphora, any Error>?

  /// The lab itself.
  func theLab() throws -> Lab {
    if let lab { return lab }
    let new = try Lab()
    lab = new
    return new
  }

  /// An amphora with a running agent, shared by the tests that only look at answers and files.
  func plainAmphora() async throws -> LiveAmphora {
    let task =
      plain
      ?? Task {
        let amphora = try await boot(LabAmphora.Settings())
        try await amphora.startAgent()
        return amphora
      }
    plain = task
    return try await task.value
  }

  /// Boots an amphora; the agent is not started.
  func boot(_ settings: LabAmphora.Settings) async throws -> LiveAmphora {
    let lab = try theLab()
    lastNumber += 1
    let number = lastNumber
    let digits = String(number)
    let id = try #require(
      AmphoraID("11111111-2222-4333-8444-\(String(repeating: "0", count: 12 - digits.count))\(digits)"))
    let network = try LabNetwork.separate("fabric-\(number)")
    let machine = try await lab.bootAmphora(number, id: id, settings: settings)
    return LiveAmphora(lab: lab, machine: machine, network: network, number: number)
  }

  func acquire() async {
    if free > 0 { free -= 1 } else { await withCheckedContinuation { waiting.append($0) } }
  }

  func release() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}

/// Boots an amphora for one test, with its agent started unless told otherwise, and cuts its power at the end.
func withAmphora(
  _ settings: LabAmphora.Settings = .init(), starts: Bool = true, _ body: (LiveAmphora) async throws -> Void
) async throws {
  try await withAmphorae([settings], starts: starts) { try await body($0[0]) }
}

/// Boots several amphorae, which count as one for the limit: the second must never wait for the first's place.
func withAmphorae(
  _ settings: [LabAmphora.Settings], starts: Bool = true, _ body: ([LiveAmphora]) async throws -> Void
) async throws {
  await LiveLab.shared.acquire()
  var amphorae: [LiveAmphora] = []
  let result: Result<Void, any Error>
  do {
    for each in settings { amphorae.append(try await LiveLab.shared.boot(each)) }
    if starts { for amphora in amphorae { try await amphora.startAgent() } }
    try await body(amphorae)
    result = .success(())
  } catch {
    for amphora in amphorae { Issue.record("\(error)\nagent's log:\n\(amphora.agentLog.suffix(4000))") }
    result = .failure(error)
  }
  for amphora in amphorae { await amphora.takeDown() }
  await LiveLab.shared.release()
  try result.get()
}

/// A fresh id of a load balancer, so that tests on one amphora do not meet.
func freshID() -> LoadBalancerID {
  let digits = CertificateAuthority.randomUUIDv4().map { byte in
    let text = String(byte, radix: 16)
    return text.count == 1 ? "0\(text)" : text
  }.joined()
  var text = ""
  for (index, digit) in digits.enumerated() {
    if [8, 12, 16, 20].contains(index) { text.append("-") }
    text.append(digit)
  }
  return LoadBalancerID(unchecked: text)
}
