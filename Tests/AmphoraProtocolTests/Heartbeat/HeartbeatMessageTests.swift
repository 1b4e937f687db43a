import AmphoraProtocol
import FoundationEssentials
import Testing

@Suite struct HeartbeatMessageTests {
  static let message = HeartbeatMessage(
    id: "amp", sequence: 67,
    listeners: [
      .init(
        id: "l1", status: "OPEN",
        stats: .init(bytesOut: 48213, bytesIn: 6120, connections: 3, totalConnections: 41, requestErrors: 1))
    ],
    pools: [
      .init(
        key: "p1:l1", status: "UP", members: [.init(id: "m1", status: "no check"), .init(id: "m2", status: "UP 2/3")])
    ])

  @Test func `the text has no blanks and the agreed order of keys`() {
    #expect(
      String(decoding: Self.message.encoded(), as: UTF8.self)
        == #"{"id":"amp","seq":67,"listeners":{"l1":{"status":"OPEN","stats":{"tx":48213,"rx":6120,"conns":3,"#
        + #""totconns":41,"ereq":1}}},"pools":{"p1:l1":{"status":"UP","members":{"m1":"no check","m2":"UP 2/3"}}},"ver":3}"#
    )
  }

  @Test func `without pools the key is left out`() throws {
    var message = Self.message
    message.pools = nil
    let text = message.encoded()
    #expect(!String(decoding: text, as: UTF8.self).contains("pools"))
    let again = try HeartbeatMessage(json: text)
    #expect(again.pools == nil)
    #expect(again.listeners == message.listeners)
  }

  @Test func `extreme numbers keep their digits`() throws {
    var message = Self.message
    message.sequence = Int.max
    message.listeners[0].stats = .init(
      bytesOut: .max, bytesIn: 0, connections: 1, totalConnections: 9, requestErrors: 10)
    #expect(try HeartbeatMessage(json: message.encoded()) == message)
  }

  @Test(arguments: ["\"", "\\", "\n\t\r\0\u{1F}", "é🙂\u{2028}", "</script>", "\u{7F}", ""])
  func `any text survives, for Foundation's reader too`(text: String) throws {
    let message = HeartbeatMessage(
      id: text, sequence: 0, listeners: [.init(id: text, status: text, stats: .init())],
      pools: [.init(key: text, status: text, members: [.init(id: text, status: text)])])
    let json = message.encoded()
    #expect(try HeartbeatMessage(json: json) == message)
    let judge = try JSONDecoder().decode(ExpectedMessage.self, from: Data(json))
    #expect(judge.id == text)
    #expect(judge.pools?[text]?.members[text] == text)
  }

  @Test func `escapes are read`() throws {
    let json = #"{"id":"\u0041\ud83d\ude42\"\\\/\b\f\n\r\t\ud800x","listeners":{},"pools":{},"ver":3}"#
    #expect(try HeartbeatMessage(json: Array(json.utf8)).id == "A🙂\"\\/\u{8}\u{C}\n\r\t\u{FFFD}x")
  }

  @Test func `extra keys are ignored and blanks are free`() throws {
    let json = """
       { "x" : [1, -2.5e3, true, false, null, {"y": []}], "ver" : 3, "recv_time": 1.5, "pools" : { } ,
      "listeners":{"l":{"extra":{},"stats":{"tx":1,"rx":2,"conns":3,"totconns":4,"ereq":5,"more":"x"},"status":"FULL"}},"id":"a"}\n
      """
    let message = try HeartbeatMessage(json: Array(json.utf8))
    #expect(
      message.listeners == [
        .init(
          id: "l", status: "FULL",
          stats: .init(bytesOut: 1, bytesIn: 2, connections: 3, totalConnections: 4, requestErrors: 5))
      ])
    #expect(message.sequence == nil)
  }

  @Test func `pools keep their order and a repeated key its last value`() throws {
    let json = #"""
      {"id":"a","listeners":{},"ver":3,"pools":{"p:2":{"status":"UP","members":{}},"p:1":{"status":"UP","members":{}},
      "p:2":{"status":"DOWN","members":{}}}}
      """#
    let pools = try #require(try HeartbeatMessage(json: Array(json.utf8)).pools)
    #expect(pools.map(\.key) == ["p:2", "p:1"])
    #expect(pools.map(\.status) == ["DOWN", "UP"])
    #expect(pools.map(\.poolID) == ["p", "p"])
  }

  @Test(arguments: [("a:b:c", "a:b"), ("a", "a"), (":", "")])
  func `a pool's id ends at the last colon`(key: String, id: String) {
    #expect(HeartbeatMessage.Pool(key: key, status: "UP", members: []).poolID == id)
  }

  @Test(arguments: [(nil, false), (1, false), (2, false), (3, true), (4, true)])
  func `numbers are increments from version 3`(version: Int?, deltas: Bool) {
    var message = Self.message
    message.version = version
    #expect(message.countersAreDeltas == deltas)
  }

  @Test(arguments: [
    #"{"listeners":{},"pools":{},"ver":3}"#, #"{"id":7,"listeners":{},"pools":{},"ver":3}"#,
    #"{"id":"a","pools":{},"ver":3}"#, #"{"id":"a","listeners":[],"pools":{},"ver":3}"#,
    #"{"id":"a","listeners":{},"pools":{},"ver":"3"}"#, #"{"id":"a","listeners":{},"pools":{},"ver":3.5}"#,
  ])
  func `what makes the whole message useless is an error`(json: String) {
    let rejection = #expect(throws: HeartbeatRejection.self) { try HeartbeatMessage(json: Array(json.utf8)) }
    #expect(rejection?.kind == "malformed")
  }

  @Test(arguments: [
    #"{"status":"OPEN"}"#, #"{"status":"OPEN","stats":{"tx":1,"rx":2,"conns":3,"totconns":4}}"#,
    #"{"status":"OPEN","stats":{"tx":-1,"rx":2,"conns":3,"totconns":4,"ereq":0}}"#,
    #"{"status":"OPEN","stats":{"tx":1.5,"rx":2,"conns":3,"totconns":4,"ereq":0}}"#,
    #"{"status":"OPEN","stats":{"tx":99999999999999999999,"rx":2,"conns":3,"totconns":4,"ereq":0}}"#,
    #"{"status":"OPEN","stats":null}"#,
  ])
  func `unusable numbers cost the numbers only`(listener: String) throws {
    let message = try HeartbeatMessage(
      json: Array(#"{"id":"a","listeners":{"l":\#(listener)},"pools":{},"ver":3}"#.utf8))
    #expect(message.listeners == [.init(id: "l", status: "OPEN", stats: nil)])
    #expect(message.defects.count == 1)
  }

  @Test(arguments: [#""pools":5,"#, #""pools":{"p":[]},"#, #""pools":{"p":{"status":"UP"}},"#, ""])
  func `unusable pools leave the listeners`(pools: String) throws {
    let message = try HeartbeatMessage(json: Array(#"{"id":"a","listeners":{},\#(pools)"ver":3}"#.utf8))
    #expect(message.pools == nil)
    #expect(message.defects.count == 1)
  }

  @Test(arguments: [
    "", " ", "{", "}", "[", "]", "{]", "nul", "tru", "-", "01", "1.", "1e", "+1", ".5", "\"", "\"\\", "\"\\x\"",
    "\"\\u12\"",
    "\"\u{1}\"", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:1}", "[1,]", "[1 2]", "1 1", "NaN", "'a'", "{\"a\":1}}", "//",
    "\u{FEFF}{}",
  ])
  func `what is no JSON is refused`(text: String) {
    let rejection = #expect(throws: HeartbeatRejection.self) { try HeartbeatMessage(json: Array(text.utf8)) }
    #expect(rejection?.kind == "not-json")
  }

  @Test func `nesting is bounded`() {
    for text in [String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000)] {
      let rejection = #expect(throws: HeartbeatRejection.self) { try HeartbeatMessage(json: Array(text.utf8)) }
      #expect(rejection?.kind == "not-json")
    }
  }

  @Test(arguments: [1, 15, 16, 17, 18, 40])
  func `of two entries under one key the later one counts, at the place of the first`(count: Int) throws {
    func entry(_ number: Int, _ status: String) -> String {
      "\"p\(number)\":{\"status\":\"\(status)\",\"members\":{}}"
    }
    let first = (0..<count).map { entry($0, "UP") }
    let again = (0..<count).map { entry($0, "DOWN") }
    let pools = (first + again).joined(separator: ",")
    let text = "{\"id\":\"a\",\"ver\":3,\"listeners\":{},\"pools\":{\(pools)}}"
    let message = try HeartbeatMessage(json: Array(text.utf8))
    #expect(message.pools?.map(\.key) == (0..<count).map { "p\($0)" })
    #expect(message.pools?.allSatisfy { $0.status == "DOWN" } == true)
  }
}
