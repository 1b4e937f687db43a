// Running programs: argument vectors only, bounded time, stdout and stderr as one text, as the contract's `details` wants.

import Logging
import Subprocess
import SystemPackage

/// A program that could not be run, or did not end in time.
package enum CommandError: Error, CustomStringConvertible, Sendable {
  case notStarted(program: String, reason: String)
  case timedOut(program: String, arguments: [String], after: Duration)

  package var description: String {
    switch self {
    case .notStarted(let program, let reason): "\(program) could not be started: \(reason)"
    case .timedOut(let program, let arguments, let after):
      "\(program) \(arguments.joined(separator: " ")) did not end within \(after) and was ended"
    }
  }
}

/// How a program ended.
package struct CommandResult: Sendable {
  /// The exit status, or 128 plus the signal's number.
  package let status: Int32
  /// What it wrote to stdout and stderr, in order.
  package let output: String

  package var isSuccess: Bool { status == 0 }
}

/// Runs programs.
package enum Command {
  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - program: an absolute path, or a name that is looked up in `PATH`.
  ///   - timeout: a bound on the whole run. Controllers repeat a request after 60 s, so it lies below that.
  package static func run(_ program: String, _ arguments: [String], timeout: Duration = .seconds(45))
    async throws(CommandError) -> CommandResult
  {
    do {
      return try await withThrowingTaskGroup(of: CommandResult?.self) { group in
        group.addTask { try await collect(program, arguments) }
        group.addTask {
          try await Task.sleep(for: timeout)
          return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else {
          throw CommandError.timedOut(program: program, arguments: arguments, after: timeout)
        }
        return result
      }
    } catch let error as CommandError {
      throw error
    } catch {
      throw .notStarted(program: program, reason: "\(error)")
    }
  }

  private static func collect(_ program: String, _ arguments: [String]) async throws -> CommandResult {
    var options = PlatformOptions()
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
    let result = try await Subprocess.run(
      program.contains("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments),
      platformOptions: options, output: .string(limit: 4 << 20), error: .combinedWithOutput)
    let status: Int32 =
      switch result.terminationStatus {
      case .exited(let code): code
      case .signaled(let signal): 128 + signal
      }
    return CommandResult(status: status, output: result.standardOutput)
  }
}
