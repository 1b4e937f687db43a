// Increments and what is kept of them: contract heartbeat-and-config §2.5, §7 rows 5, 6, 8, 9.

import Files
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct `Counter store` {
  private let path: String
  private let folder: LabFolder

  init() throws {
    folder = try LabFolder()
    path = folder.path + "/stats_counters.json"
  }

  private func reading(
    bin: Int? = 0, bout: Int? = 0, ereq: Int? = 0, stot: Int? = 0, id: String = "L", process: CountingProcess? = nil
  ) -> ListenerReading {
    ListenerReading(
      id: id, status: "OPEN", connections: 0, counters: .init(bin: bin, bout: bout, ereq: ereq, stot: stot),
      process: process)
  }

  @Test(arguments: [
    (#"{"L": {"bin": 1, "bout": 2}}"#, ListenerCounters(bin: 4, bout: 8, ereq: 5, stot: 0)),
    (#"{"L": {"bin": 15, "bout": 20}}"#, ListenerCounters(bin: 5, bout: 10, ereq: 5, stot: 0)),
  ])
  func `the contract's worked examples`(file: String, expected: ListenerCounters) throws {
    try folder.write("stats_counters.json", file)
    var store = CounterStore(path: path)
    store.observe([reading(bin: 5, bout: 10, ereq: 5, stot: 0)])
    #expect(store.unsent("L") == expected)
  }

  @Test func `the contract's series, each reading sent`() throws {
    var store = CounterStore(path: path)
    let increments = try [100, 150, 150, 20, 30].map { total in
      store.observe([reading(bin: total)])
      defer { #expect(store.unsent("L").bin == 0) }
      let increment = store.unsent("L").bin
      try store.commit(["L"]) { nil }
      return increment
    }
    #expect(increments == [100, 50, 0, 20, 10])
  }

  @Test func `what was not sent is carried over`() throws {
    var store = CounterStore(path: path)
    store.observe([reading(bin: 100)])
    try store.commit(["L"]) { nil }
    store.observe([reading(bin: 150)])
    #expect(store.unsent("L").bin == 50)
    store.observe([reading(bin: 180)])
    #expect(store.unsent("L").bin == 80)
    // haproxy starts anew between two attempts: what it counted before is not lost.
    store.observe([reading(bin: 7)])
    #expect(store.unsent("L").bin == 87)
    // Until it was sent, the file has the old total: an agent that dies now must not lose the increment.
    #expect(try FileRead.bytes(path) == Array(#"{"L":{"bin":100,"bout":0,"ereq":0,"stot":0}}"#.utf8))
    try store.commit(["L"]) { nil }
    store.observe([reading(bin: 9)])
    #expect(store.unsent("L").bin == 2)
  }

  @Test func `the file survives a restart of the agent, with upstream's mode and layout`() throws {
    var store = CounterStore(path: path)
    store.observe([reading(bin: 1, bout: 2, ereq: 3, stot: 4), reading(bin: 5, id: "K")])
    try store.commit(["L", "K"]) { nil }
    let text = #"{"K":{"bin":5,"bout":0,"ereq":0,"stot":0},"L":{"bin":1,"bout":2,"ereq":3,"stot":4}}"#
    #expect(FileRead.text(path) == text)
    var status = stat()
    stat(path, &status)
    #expect(status.st_mode & 0o777 == 0o640)
    var later = CounterStore(path: path)
    later.observe([reading(bin: 11, bout: 22, ereq: 33, stot: 44)])
    #expect(later.unsent("L") == ListenerCounters(bin: 10, bout: 20, ereq: 30, stot: 40))
  }

  @Test(arguments: [
    "", "null", "[]", "3", "{", #"{"x":5}"#, #"{"L":{"bin":"7"}}"#, #"{"L":null}"#, #"{"L":{"bin":1e400}}"#, "\u{FEFF}",
    #"{"L":{"bin":7}"#, #"{"L":[1,2]}"#,
  ])
  func `a bad file counts as no counters and is replaced`(content: String) throws {
    try folder.write("stats_counters.json", content)
    var store = CounterStore(path: path)
    store.observe([reading(bin: 9)])
    #expect(store.unsent("L").bin == 9)
    try store.commit(["L"]) { nil }
    #expect(FileRead.text(path) == #"{"L":{"bin":9,"bout":0,"ereq":0,"stot":0}}"#)
  }

  @Test func `a file that is not UTF-8, or a folder in its place, counts as no counters`() throws {
    try DurableFile.write([0xFF, 0xFE, 0x00, 0x7B], to: path, mode: 0o640)
    var store = CounterStore(path: path)
    store.observe([reading(bin: 9)])
    #expect(store.unsent("L").bin == 9)
    unlink(path)
    mkdir(path, 0o755)
    var other = CounterStore(path: path)
    other.observe([reading(bin: 9)])
    #expect(other.unsent("L").bin == 9)
    #expect(throws: DurableFile.Failure.self) { try other.commit(["L"]) { nil } }
    // Not stored, but sent: it must not be sent again.
    #expect(other.unsent("L").bin == 0)
  }

  @Test func `a negative total in the file counts as 0`() throws {
    try folder.write("stats_counters.json", #"{"L":{"bin":-5,"bout":3}}"#)
    var store = CounterStore(path: path)
    store.observe([reading(bin: 9, bout: 9)])
    #expect(store.unsent("L") == ListenerCounters(bin: 9, bout: 6))
  }

  @Test func `a new process counts from 0 even when its total has grown past the old one`() throws {
    var store = CounterStore(path: path)
    store.observe([reading(bin: 100, process: .init(pid: 7, uptime: 50))])
    try store.commit(["L"]) { nil }
    store.observe([reading(bin: 150, process: .init(pid: 7, uptime: 60))])
    try store.commit(["L"]) { nil }
    store.observe([reading(bin: 400, process: .init(pid: 8, uptime: 3))])
    #expect(store.unsent("L").bin == 400)
    try store.commit(["L"]) { nil }
    // The same process id, but younger: another process again.
    store.observe([reading(bin: 500, process: .init(pid: 8, uptime: 1))])
    #expect(store.unsent("L").bin == 500)
    // An unknown process is judged by the numbers.
    store.observe([reading(bin: 510, process: nil)])
    #expect(store.unsent("L").bin == 510)
  }

  @Test func `without a number the total stays`() throws {
    var store = CounterStore(path: path)
    store.observe([reading(bin: 100, stot: 5)])
    try store.commit(["L"]) { nil }
    store.observe([reading(bin: nil, stot: 6)])
    #expect(store.unsent("L") == ListenerCounters(stot: 1))
    store.observe([reading(bin: 130, stot: 6)])
    #expect(store.unsent("L") == ListenerCounters(bin: 30, stot: 1))
  }

  @Test func `listeners without configuration are dropped, others and unknowns stay`() throws {
    var store = CounterStore(path: path)
    store.observe([reading(bin: 1, id: "A"), reading(bin: 2, id: "B"), reading(bin: 3, id: "C")])
    try store.commit(["A", "B", "C"]) {
      Issue.record("asked although every listener was in the message")
      return nil
    }
    try store.commit(["A"]) { nil }
    #expect(FileRead.text(path)?.contains("\"C\"") == true)
    try store.commit(["A"]) { ["A", "B"] }
    #expect(
      FileRead.text(path) == #"{"A":{"bin":1,"bout":0,"ereq":0,"stot":0},"B":{"bin":2,"bout":0,"ereq":0,"stot":0}}"#)
  }

  @Test func `an idle load balancer does not write`() throws {
    var store = CounterStore(path: path)
    store.observe([reading(bin: 1)])
    try store.commit(["L"]) { nil }
    var before = stat()
    stat(path, &before)
    store.observe([reading(bin: 1)])
    try store.commit(["L"]) { nil }
    var after = stat()
    stat(path, &after)
    #expect(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
  }

  @Test func `sums stop at the largest integer`() {
    var store = CounterStore(path: path)
    for _ in 0..<3 {
      store.observe([reading(bin: Int.max)])
      store.observe([reading(bin: 1)])
    }
    #expect(store.unsent("L").bin == Int.max)
  }
}
