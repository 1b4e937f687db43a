// haproxy's CSV: contract services §4.3, §4.4.

import Testing

@testable import AmphoraAgent

@Suite struct `Stats table` {
  private func parse(_ text: String) -> StatsTable? { StatsTable(csv: Array(text.utf8)) }

  /// The example of contract services §4.4.
  private let example = """
    # pxname,svname,status,weight,
    P1:L1,M1,DOWN,1,
    P1:L1,M2,no check,0,
    P1:L1,M3,MAINT,1,
    P1:L1,M4,UP,0,
    P1:L1,BACKEND,DOWN,0,
    prometheus-exporter-internal,prometheus-internal,no check,1,
    prometheus-exporter-internal,BACKEND,UP,1,

    """

  @Test func `the contract's example gives one pool`() throws {
    let pools = try #require(parse(example)).pools
    #expect(
      pools == [
        StatsTable.Pool(
          key: "P1:L1", status: "DOWN",
          members: [
            .init(id: "M1", status: "DOWN"), .init(id: "M2", status: "no check"), .init(id: "M3", status: "MAINT"),
            .init(id: "M4", status: "DRAIN"),
          ])
      ])
  }

  @Test(arguments: [
    ("UP", "0", "DRAIN"), ("UP", "1", "UP"), ("UP", "00", "UP"), ("UP 1/3", "0", "UP 1/3"), ("DOWN", "0", "DOWN"),
    ("DOWN (agent)", "1", "DOWN (agent)"), ("DRAIN", "0", "DRAIN"), ("DRAIN 1/3", "0", "DRAIN"),
    ("MAINT", "1", "MAINT"),
    ("MAINT (via a/b)", "1", "MAINT"), ("MAINT (resolution)", "1", "MAINT"), ("NOLB", "1", "DRAIN"),
    ("NOLB 1/2", "1", "DRAIN"), ("no check", "0", "no check"), ("up", "0", "up"),
  ])
  func `a member's status is put into the words controllers know`(status: String, weight: String, expected: String) {
    #expect(StatsTable.memberStatus(status, weight: weight) == expected)
  }

  @Test func `columns are found by name wherever they stand`() throws {
    let table = try #require(
      parse(
        "# status,ereq,-,svname,stot,bout,bin,scur,pxname,\nOPEN,1,,FRONTEND,2,3,4,5,L,\nOPEN,,,FRONTEND,2,3,4,,M,\n"))
    #expect(
      table.listeners == [
        .init(id: "L", status: "OPEN", connections: 5, bytesIn: 4, bytesOut: 3, totalConnections: 2, requestErrors: 1),
        .init(
          id: "M", status: "OPEN", connections: 0, bytesIn: 4, bytesOut: 3, totalConnections: 2, requestErrors: nil),
      ])
    #expect(table.column("no such") == nil)
  }

  @Test func `quoted cells may hold separators, line ends and quotes`() throws {
    let table = try #require(
      parse("# pxname,svname,last_chk,status,\nP:L,M1,\"a, \"\"b\"\"\nc\",UP,\nP:L,BACKEND,,UP,\n"))
    let column = table.column("last_chk")
    #expect(table.rows.map { $0.text(column) } == ["a, \"b\"\nc", ""])
    #expect(table.pools.first?.members == [.init(id: "M1", status: "UP")])
  }

  @Test func `a quote that is never closed costs its own row only`() throws {
    let table = try #require(parse("# pxname,svname,last_chk,status,\nP:L,M1,\"x,UP,\nP:L,M2,,UP,\nP:L,BACKEND,,UP,\n"))
    #expect(table.pools.first?.members.contains(.init(id: "M2", status: "UP")) == true)
    #expect(table.pools.first?.status == "UP")
  }

  @Test func `bad rows are skipped`() throws {
    let rows = [
      "P:L,M1,UP,1,", "P:L,M2", "", ",,,,", "P:L,M3,UP,1,,,", "nocolon,M4,UP,1,", "P:L,M5,,1,", ":,M6,UP,1,",
      "P:L,M7,UP,1",
      "P:L,BACKEND,UP,1,", "Q:L,M8,UP,1,",
    ]
    let table = try #require(parse("# pxname,svname,status,weight,\n" + rows.joined(separator: "\n")))
    #expect(table.pools.map(\.key) == ["P:L"])
    #expect(table.pools.first?.members.map(\.id) == ["M1", "M7"])
  }

  @Test func `rows of one pool need not stand together`() throws {
    let table = try #require(
      parse("# pxname,svname,status,\nP:L,M1,UP,\nQ:L,M2,UP,\nP:L,M3,UP,\nQ:L,BACKEND,UP,\nP:L,BACKEND,DOWN,\n"))
    #expect(
      table.pools.map { [$0.key, $0.status] + $0.members.map(\.id) } == [
        ["P:L", "DOWN", "M1", "M3"], ["Q:L", "UP", "M2"],
      ])
  }

  @Test func `a listening socket's row is no member`() throws {
    let table = try #require(
      parse("# pxname,svname,status,type,\nP:L,sock-1,OPEN,3,\nP:L,M1,UP,2,\nP:L,BACKEND,UP,1,\n"))
    #expect(table.pools.first?.members.map(\.id) == ["M1"])
  }

  @Test(arguments: [
    "", "\n", "pxname,svname,\n", "# svname,status,\n", "# pxname,status,\nL,OPEN,\n", "Unknown command\n",
  ])
  func `an answer without the header is no table`(text: String) { #expect(parse(text) == nil) }

  @Test func `a header alone is an empty table`() throws {
    let table = try #require(parse("# pxname,svname,status,"))
    #expect(table.count == 0)
    #expect(table.listeners.isEmpty && table.pools.isEmpty)
  }

  @Test func `numbers beyond 63 bits stop at the largest integer`() throws {
    let table = try #require(
      parse(
        "# pxname,svname,status,scur,bin,bout,stot,ereq,\nL,FRONTEND,OPEN,-1,18446744073709551615,9223372036854775807,x,1 ,\n"
      ))
    let listener = try #require(table.listeners.first)
    #expect(listener.bytesIn == Int.max)
    #expect(listener.bytesOut == Int.max)
    #expect(listener.connections == 0)
    #expect(listener.totalConnections == nil)
    #expect(listener.requestErrors == nil)
  }

  @Test func `random cuts and changes never crash the parser`() {
    var noise = ConfigurationNoise(state: 11)
    let base = Array(example.utf8)
    for _ in 0..<500 {
      var bytes = Array(base.prefix(Int.random(in: 0...base.count, using: &noise)))
      for _ in 0..<Int.random(in: 0...6, using: &noise) where !bytes.isEmpty {
        let index = Int.random(in: 31..<max(32, bytes.count), using: &noise)
        if index < bytes.count { bytes[index] = Array("\",\n:#\u{0}".utf8).randomElement(using: &noise) ?? 0 }
      }
      guard let table = StatsTable(csv: bytes) else { continue }
      _ = table.listeners
      _ = table.pools
    }
  }

  @Test func `a table of 3000 members is read in a moment`() async throws {
    var text = "# pxname,svname,status,weight," + (0..<90).map { "c\($0)," }.joined() + "\n"
    let rest = String(repeating: "12345,", count: 90)
    for pool in 0..<30 {
      for member in 0..<100 { text += "pool\(pool):listener,member\(member),UP,1,\(rest)\n" }
      text += "pool\(pool):listener,BACKEND,UP,1,\(rest)\n"
    }
    let bytes = Array(text.utf8)
    let (pools, took) = try await HeartbeatLab.offPool {
      let start = ContinuousClock.now
      return (try #require(StatsTable(csv: bytes)).pools, ContinuousClock.now - start)
    }
    #expect(pools.count == 30)
    #expect(pools.allSatisfy { $0.members.count == 100 })
    // About 10 ms optimised; a build for debugging is allowed a hundred times that.
    #expect(took < .seconds(3))
  }
}
