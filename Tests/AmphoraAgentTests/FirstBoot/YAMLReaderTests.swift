// The reader of YAML, against what PyYAML makes of the same documents.

import Testing

@testable import AmphoraAgent

@Suite struct YAMLReaderTests {
  private func read(_ text: String) throws -> DriveValue {
    try YAMLReader.read(YAMLLine.lines(of: Array(text.utf8))[...])
  }

  /// A value on one line: texts in quotes, words without.
  private func show(_ value: DriveValue) -> String {
    switch value {
    case .null: "null"
    case .text(let text):
      "'" + text.unicodeScalars.map { $0 == "\n" ? "\\n" : $0 == "\t" ? "\\t" : String($0) }.joined() + "'"
    case .word(let word): word
    case .sequence(let values): "[" + values.map(show).joined(separator: ", ") + "]"
    case .mapping(let entries): "{" + entries.map { "\($0.key): \(show($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  @Test(
    arguments: [
      ("a: b", "{a: b}"), ("a: b # c\n# d\n\n  # e\nf: g#h", "{a: b, f: g#h}"),
      ("a:\nb: ~\nc: null", "{a: null, b: null, c: null}"),
      ("a: http://x:1/y", "{a: http://x:1/y}"), ("a b: c d", "{a b: c d}"), ("a : b", "{a: b}"),
      ("a:\n  b:\n    c: d\n  e: f", "{a: {b: {c: d}, e: f}}"), ("a:\n- b\n- c\nd: e", "{a: [b, c], d: e}"),
      ("a:\n  - b\n  -\n    - c\n  - - d\n    - e", "{a: [b, [c], [d, e]]}"),
      ("-   a: b\n    c: d\n-   e: f", "[{a: b, c: d}, {e: f}]"), ("- -a\n- -1", "[-a, -1]"),
      ("a: [b, 'c', \"d\", , ]", "error"), ("a: [b, 'c, d', \"e\" , f g,]", "{a: [b, 'c, d', 'e', f g]}"),
      ("a: []", "{a: []}"), ("a: [ ] # b", "{a: []}"), ("'a': \"b\"", "{a: 'b'}"), ("\"a b\" : c", "{a b: c}"),
      ("a: 'it''s'", "{a: 'it's'}"), ("a: \"\\t\\u00e9\\x41\\\\\\\"\\n\"", "{a: '\\té" + "A\\\"\\n'}"),
      ("a: é\u{301}\nk:\u{301}: b", "{a: é\u{301}, k:\u{301}: b}"),
      ("a: b\r\nc: |\r\n  d\r\n  e\r\n", "{a: b, c: 'd\\ne\\n'}"),
      ("a: ''\nb: \"\"", "{a: '', b: ''}"), ("", "null"), ("# only\n", "null"),
    ])
  func `what is in the subset is read`(_ text: String, _ expected: String) {
    #expect((try? show(read(text))) ?? "error" == expected)
  }

  @Test(
    arguments: [
      ("a: |\n  b\n   c\n\n  d\n\n\ne: f", "{a: 'b\\n c\\n\\nd\\n', e: f}"), ("a: |-\n  b\n\n", "{a: 'b'}"),
      ("a: |+\n  b\n\n", "{a: 'b\\n\\n'}"), ("a: |2\n   b\n  c\n", "{a: ' b\\nc\\n'}"), ("a: |-2\n   b\n", "{a: ' b'}"),
      ("a: |\n\n\n  b\n", "{a: '\\n\\nb\\n'}"), ("a: |\nb: c", "{a: '', b: c}"), ("a: |+\n\nb: c", "{a: '\\n', b: c}"),
      ("a: | # c\n  # b\n", "{a: '# b\\n'}"), ("a: |\n  b", "{a: 'b'}"),
      ("a: |\n  b: c\n  - d\n", "{a: 'b: c\\n- d\\n'}"),
      ("a: |\n  b\t\n  \tc  \n", "{a: 'b\\t\\n\\tc  \\n'}"), ("a: |\n  b\n     \n  c\n", "{a: 'b\\n   \\nc\\n'}"),
      ("- |\n a\n- |\n b\n", "['a\\n', 'b\\n']"), ("- a: |\n    b\n  c: d", "[{a: 'b\\n', c: d}]"),
      ("a: >\n  b\n  c\n\n  d\n\n\n  e\n", "{a: 'b c\\nd\\n\\ne\\n'}"),
      ("a: >-\n  b\n   c\n  d\n", "{a: 'b\\n c\\nd'}"),
      ("a: >\n  b\n\n   c\n\n  d\n", "{a: 'b\\n\\n c\\n\\nd\\n'}"), ("a: >+\n  b\n\n", "{a: 'b\\n\\n'}"),
      ("a: |\n  b\n # c\nd: e", "{a: 'b\\n', d: e}"),
    ])
  func `blocks keep and fold their lines`(_ text: String, _ expected: String) throws {
    #expect(try show(read(text)) == expected)
  }

  @Test(
    arguments: [
      ("a: b\nc: &x d", 2, "anchor"), ("a: *x", 1, "alias"), ("a: !!str b", 1, "tag"), ("!x a: b", 1, "tag"),
      ("a: {b: c}", 1, "braces"), ("a:\n\tb: c", 2, "tab"), ("a:\tb", 1, "tab"), ("? a\n: b", 1, "several parts"),
      ("a: b: c", 1, "second ': '"), ("a: b\n  c", 2, "several lines"), ("a: \"b\n  c\"", 1, "quote"),
      ("a: 'b", 1, "quote"), ("a: [b,\n  c]", 1, "no ']'"), ("a: [[b]]", 1, "within a list"), ("a: [b: c]", 1, "key"),
      ("a: [b] c", 1, "after the end"), ("a: 'b' c", 1, "after the end"), ("a: b\na: c", 2, "again"),
      ("a: b\n---\nc: d", 2, "document"), ("...", 1, "document"), ("%YAML 1.2", 1, "needs quotes"),
      ("a: @b", 1, "needs quotes"),
      ("a: `b", 1, "needs quotes"), ("a: |x\n  b", 1, "sign of a block"), ("a: |2-3\n  b", 1, "sign of a block"),
      ("a: | b\n  c", 1, "after the sign"), ("- a\n b: c", 2, "indented more"), ("  a: b\n c: d", 2, "indentation"),
      ("a: - b", 1, "'-' of a list"), ("a: b\n- c", 2, "'-' of a list"), ("a", 1, "neither"),
      ("a: \"\\q\"", 1, "escape"),
      ("a: \"\\ud800\"", 1, "number"), ("a: b\u{7}", 1, "control"), ("a: b\u{2028}c", 1, "line break"),
      ("a: b\n# \u{85}c: d", 2, "line break"), ("a: b\n: c", 2, "empty key"),
      ("a: |\n   \n  b", 2, "is empty"),
      ("a: [|]", 1, "within brackets"), ("a: [#b]", 1, "comment"),
    ])
  func `everything else is refused with line and reason`(_ text: String, _ line: Int, _ reason: String) {
    do {
      let value = try read(text)
      Issue.record("read as \(show(value))")
    } catch let error as YAMLRefusal {
      #expect(error.line == line, "\(error)")
      #expect(error.reason.contains(reason), "\(error)")
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func `bytes that are no UTF-8 are refused`() {
    #expect(throws: YAMLRefusal(line: 2, reason: "is no UTF-8")) {
      try YAMLLine.lines(of: Array("a: b\nc: ".utf8) + [0xFF])
    }
  }

  @Test func `depth is bounded, and long documents take no long time`() throws {
    let deep = (0..<20).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    #expect(throws: YAMLRefusal(line: 17, reason: "nests deeper than 16 levels")) { try read(deep) }
    #expect(throws: YAMLRefusal.self) { try read(String(repeating: "- ", count: 100_000) + "a") }
    let keys = (0..<300).map { "  k\($0): v\n" }.joined()
    #expect(throws: YAMLRefusal(line: 258, reason: "is past the 256 keys that a mapping may have")) {
      try read("a:\n\(keys)")
    }
    let line = String(repeating: "x", count: 1 << 20)
    let start = ContinuousClock.now
    _ = try read("a: \(line)\nb: |\n" + String(repeating: "  y\n", count: 100_000))
    #expect(ContinuousClock.now - start < .seconds(20))
  }
}
