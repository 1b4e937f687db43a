// keepalived's own judgement of a configuration before it replaces the one in use (contract agent-api §5 W12).

import Glibc

/// What `keepalived --config-test` makes of a file.
package enum KeepalivedCheck: Hashable, Sendable {
  case usable
  /// It would run, or could not be asked; its words.
  case doubtful(String)
  /// It is cut, or keepalived gives up on it; its words.
  case unusable(String)

  /// Findings after which keepalived would run without the virtual router: unbalanced braces and a missing router id.
  ///
  /// Unknown words are not among them: they come from controllers that know newer versions.
  private static let fatal = ["missing '}'", "Extra '}'", "the virtual router id must be set"]

  /// Asks keepalived, in the traffic namespace where the interfaces are.
  package static func run(_ path: String) async -> KeepalivedCheck {
    do {
      let result = try await Command.run(
        "/sbin/ip", ["netns", "exec", trafficNamespace, "/usr/sbin/keepalived", "--config-test", "-f", path],
        timeout: .seconds(5))
      return judge(status: result.status, output: result.output)
    } catch {
      return .doubtful("not checked: \(error)")
    }
  }

  /// The meaning of an end of the program.
  package static func judge(status: Int32, output: String) -> KeepalivedCheck {
    if status == 0 { return .usable }
    if fatal.contains(where: output.contains) { return .unusable(output) }
    // keepalived 2.2 crashes on some files that are cut.
    if [128 + SIGSEGV, 128 + SIGABRT].contains(status) { return .unusable(output) }
    // 2 is keepalived's status for a file it does not get through. 5 and 6 are for findings of any weight, down to a script
    // that could be more secure: controllers' configurations always have some. Others are a program's that did not run.
    return status == 2 ? .unusable(output) : .doubtful(output)
  }
}
