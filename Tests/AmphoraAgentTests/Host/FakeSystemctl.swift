// A program in systemctl's place: the real one does not fail on demand. It writes down each call, with what the VRRP check
// says at that moment, and fails the verbs it is told to.

import Files
import Glibc

@testable import AmphoraAgent

final class FakeSystemctl: Sendable {
  /// One call.
  struct Call: Equatable, CustomStringConvertible {
    let words: String
    /// `haproxy_check_script.sh` when the call was made.
    let check: String

    var description: String { words }
  }

  let path: String
  private let folder: String

  /// - Parameter check: the path of `haproxy_check_script.sh`.
  init(in folder: LabFolder, check: String) throws {
    self.folder = folder.folder("systemctl")
    path = "\(self.folder)/systemctl"
    let script = """
      #!/bin/sh
      printf '%s|%s\\n' "$*" "$(cat '\(check)' 2> /dev/null)" >> '\(self.folder)/calls'
      [ -f '\(self.folder)/'"$1.answer" ] && cat '\(self.folder)/'"$1.answer"
      [ ! -f '\(self.folder)/'"$1.fails" ]

      """
    try DurableFile.write(Array(script.utf8), to: path, mode: 0o755)
  }

  /// Has a verb print a text, and fail if told so, from now on.
  func answer(_ verb: String, _ text: String, fails: Bool = true) throws {
    try DurableFile.write(Array(text.utf8), to: "\(folder)/\(verb).answer", mode: 0o644)
    if fails { try DurableFile.write([], to: "\(folder)/\(verb).fails", mode: 0o644) }
  }

  /// Has a verb succeed again.
  func succeed(_ verb: String) throws {
    try DurableFile.remove("\(folder)/\(verb).answer")
    try DurableFile.remove("\(folder)/\(verb).fails")
  }

  /// The calls so far, without questions for states.
  var calls: [Call] {
    (FileRead.text("\(folder)/calls") ?? "").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].hasPrefix("show ") else { return nil }
      return Call(words: String(parts[0]), check: String(parts[1]))
    }
  }

  /// The calls of one verb.
  func calls(_ verb: String) -> [Call] { calls.filter { $0.words.hasPrefix(verb) } }

  /// Forgets the calls.
  func clear() throws { try DurableFile.remove("\(folder)/calls") }
}
