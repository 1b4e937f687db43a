// The grammar of oslo.config's INI dialect. Expected results were observed with oslo.config 10 itself.

import Testing

@testable import AmphoraAgent

@Suite struct `INI grammar` {
  private func document(_ text: String) throws -> INIDocument {
    try INIDocument.parse(Array(text.utf8), file: "f.conf")
  }

  private func value(_ text: String) throws -> String? {
    try document("[h]\n" + text).assignment(section: "h", key: "s")?.value
  }

  private func kinds(_ text: String) -> [ConfigurationProblem.Kind] { problems(text).map(\.kind) }

  private func problems(_ text: String) -> [ConfigurationProblem] {
    do {
      _ = try document(text)
      return []
    } catch let error as ConfigurationError {
      return error.problems
    } catch {
      Issue.record("\(error)")
      return []
    }
  }

  @Test(arguments: [
    ("s = \"", ""), ("s = 'a\"", "'a\""), ("s = \"\"", ""), ("s = \"a", "\"a"), ("s = '\"a\"'", "\"a\""),
    ("s=a\n  # c\n\tb\n", "a\n# c\nb"), ("s:b=c", "b=c"), ("s=b:c", "b:c"), ("s = a # b", "a # b"),
    ("s=a\r\n  b\rt=q", "a\nb"), ("s=\u{A0}x\u{A0}", "x"), ("s=a\u{0B}b\u{0C}c", "a\u{0B}b\u{0C}c"),
    ("s=a\u{85}b", "a\u{85}b"), ("s =  \"a\"  \n  b\"\n", "a\nb\""), ("s=\n  b", "\nb"), ("s=a\n;c\n", "a"),
    ("\u{0B}s=1", "1"), ("s=1\ns=2", "2"), ("s=\u{301}e", "\u{301}e"), ("s=", ""), ("s=x   ", "x"),
  ])
  func `a value reads as oslo.config reads it`(text: String, expected: String) throws {
    // Compared by bytes: Swift takes canonically equivalent texts for equal.
    #expect(try value(text).map { Array($0.utf8) } == Array(expected.utf8))
  }

  @Test(arguments: [
    ("[h]\ns=a\n# c\n  x", ConfigurationProblem.Kind.unexpectedContinuation, 4),
    ("[h]\ns=a\n\n  x", .unexpectedContinuation, 4), ("[h]\n s=1", .unexpectedContinuation, 2),
    (" x", .unexpectedContinuation, 1), ("s=1", .assignmentBeforeSection, 1), ("[x\n", .unclosedSection, 1),
    ("[h] # x\ns=1", .unclosedSection, 1), ("\n\n[]", .emptySectionName, 3), ("[h]\nword", .noAssignment, 2),
    ("[h]\n=v", .emptyKey, 2), ("[h]\n : v", .unexpectedContinuation, 2), ("[h]\n: v", .emptyKey, 2),
    ("[h]\ns=a\n\u{0B} b", .noAssignment, 3), ("\u{FEFF}[h]", .noAssignment, 1),
  ])
  func `a grammar error names its kind and line`(text: String, kind: ConfigurationProblem.Kind, line: Int) {
    let found = problems(text)
    #expect(found.first?.kind == kind)
    #expect(found.first?.line == line)
    #expect(found.first?.description.hasPrefix("f.conf:\(line): ") == true)
  }

  @Test func `all grammar errors of a file are reported`() {
    let text = "s=1\n  more\n[x\n[h]\n=v\nword\ns=2\n\n  stray\n"
    #expect(
      kinds(text) == [
        .assignmentBeforeSection, .unclosedSection, .emptyKey, .noAssignment, .unexpectedContinuation,
      ])
    #expect(problems(text).map(\.line) == [1, 3, 5, 6, 9])
  }

  @Test func `no message quotes the line, which may hold the key`() {
    #expect(!problems("[health_manager]\nheartbeat_key s3cret\n s3cret\n[s3cret").description.contains("s3cret"))
  }

  @Test func `sections match in any letter case, merge, and keep hyphens apart from underscores`() throws {
    let document = try document("[Health_Manager]\na=1\n[x]\na=2\n[HEALTH_MANAGER]\nb=3\n[health-manager]\nb=4\n")
    #expect(document.assignment(section: "health_manager", key: "a")?.value == "1")
    #expect(document.assignment(section: "health_manager", key: "b")?.value == "3")
    #expect(document.assignment(section: "health-manager", key: "b")?.value == "4")
  }

  @Test func `keys keep their letter case`() throws {
    let document = try document("[h]\nS=1")
    #expect(document.assignment(section: "h", key: "s") == nil)
    #expect(document.assignment(section: "h", key: "S")?.value == "1")
  }

  @Test func `every assignment knows its line, repeated and continued ones too`() throws {
    let document = try document("\n[h]\na = 1\n  2\n# c\na = 3\nb = 4")
    #expect(document.assignments.map(\.line) == [3, 6, 7])
    #expect(document.assignments.map(\.value) == ["1\n2", "3", "4"])
    #expect(document.assignment(section: "h", key: "a")?.line == 6)
  }

  @Test func `bytes that are no text are refused with their line`() {
    func problem(_ bytes: [UInt8]) -> ConfigurationProblem? {
      do {
        _ = try INIDocument.parse(bytes, file: "f")
        return nil
      } catch { return error.problems.first }
    }
    #expect(problem(Array("[h]\ns=1\nt=".utf8) + [0xFF])?.kind == .notUTF8)
    #expect(problem(Array("[h]\ns=1\nt=".utf8) + [0xFF])?.line == 3)
    #expect(problem(Array("[h]\ns=".utf8) + [0, 10])?.kind == .nulByte)
    #expect(problem(Array("[h]\ns=".utf8) + [0, 10])?.line == 2)
    let large = [UInt8](repeating: UInt8(ascii: "#"), count: INIDocument.maximumSize + 1)
    #expect(problem(large)?.kind == .tooLarge(limit: INIDocument.maximumSize))
    #expect(problem(Array(large.dropLast())) == nil)
  }

  @Test func `an empty file has no assignments`() throws {
    #expect(try document("").assignments.isEmpty)
    #expect(try document("\n\n  \n# x\n").assignments.isEmpty)
  }

  @Test func `random bytes never crash the parser and problems have lines inside the file`() {
    var generator = ConfigurationNoise(state: 7)
    let alphabet = Array("[]=:#; \t\n\r\"'$\\{}.ab_é\u{0B}".utf8)
    for _ in 0..<600 {
      let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
        alphabet.randomElement(using: &generator) ?? 0
      }
      let (document, problems) = INIDocument.parseTolerantly(bytes, file: "f")
      let lines = bytes.count + 1
      #expect(problems.allSatisfy { (1...lines).contains($0.line ?? 1) })
      #expect(document.assignments.allSatisfy { (1...lines).contains($0.line) && !$0.key.isEmpty })
      _ = try? AgentConfiguration.parse(bytes, file: "f", environment: [:])
    }
  }
}

/// A seeded generator, so that a failing round can be repeated.
struct ConfigurationNoise: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    // SplitMix64, by Sebastiano Vigna, in the public domain.
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
