import AmphoraAgent
import Synchronization
import Testing

@Suite struct OperationLanesTests {
  /// Work that waits until the test lets it go on.
  private final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))
    let entered = Atomic<Int>(0)

    func pass() async {
      entered.add(1, ordering: .relaxed)
      await withCheckedContinuation { continuation in
        let isOpen = state.withLock { state in
          if !state.isOpen { state.waiting.append(continuation) }
          return state.isOpen
        }
        if isOpen { continuation.resume() }
      }
    }

    func open() {
      let waiting = state.withLock { state in
        state.isOpen = true
        defer { state.waiting = [] }
        return state.waiting
      }
      for continuation in waiting { continuation.resume() }
    }

    func waitUntilEntered() async throws {
      let deadline = ContinuousClock.now + .seconds(5)
      while entered.load(ordering: .relaxed) == 0 {
        try #require(ContinuousClock.now < deadline)
        await Task.yield()
      }
    }
  }

  private final class Order: Sendable {
    private let entries = Mutex<[String]>([])
    var all: [String] { entries.withLock { $0 } }
    func add(_ entry: String) { entries.withLock { $0.append(entry) } }
  }

  private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
  }

  @Test func `requests on one object run one after the other, on another object at once`() async throws {
    let lanes = OperationLanes<String>()
    let gate = Gate()
    let order = Order()
    async let first = lanes.run(.object("a"), fingerprint: "1") {
      await gate.pass()
      order.add("first")
      return "1"
    }
    try await gate.waitUntilEntered()
    async let second = lanes.run(.object("a"), fingerprint: "2") {
      order.add("second")
      return "2"
    }
    // Another object is not held up by the one that waits.
    #expect(await lanes.run(.object("b"), fingerprint: "3") { "3" } == "3")
    #expect(order.all.isEmpty)
    gate.open()
    #expect(await [first, second] == ["1", "2"])
    #expect(order.all == ["first", "second"])
    #expect(await lanes.busyLanes == 0)
  }

  @Test func `a repeat joins the request in progress, but not past another request`() async throws {
    let lanes = OperationLanes<Int>()
    let gate = Gate()
    let runs = Counter()
    let reload: @Sendable () async -> Int = {
      await gate.pass()
      return runs.next()
    }
    async let first = lanes.run(.object("a"), fingerprint: "reload", reload)
    try await gate.waitUntilEntered()
    async let joined = lanes.run(.object("a"), fingerprint: "reload", reload)
    async let upload = lanes.run(.object("a"), fingerprint: "upload") { 100 }
    // Wait until the upload is the lane's last request: a reload that comes now must follow it.
    while await lanes.lastFingerprint(.object("a")) != "upload" { await Task.yield() }
    async let later = lanes.run(.object("a"), fingerprint: "reload", reload)
    gate.open()
    #expect(await first == 1)
    #expect(await joined == 1)
    #expect(await upload == 100)
    #expect(await later == 2)
  }
}
