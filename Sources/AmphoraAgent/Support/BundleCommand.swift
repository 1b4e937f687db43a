// Programs whose output goes into a support bundle: bounded in time and length, and what came before the end of the time is
// kept.

import Subprocess
import Synchronization
import SystemPackage

/// Runs a program for its output.
enum BundleCommand {
  /// What a program wrote, and why that is not all or not good.
  struct Output: Sendable {
    let bytes: [UInt8]
    let problem: String?
  }

  private final class Store: Sendable {
    let bytes: Mutex<BoundedBytes>
    init(limit: Int) { bytes = Mutex(BoundedBytes(limit: limit)) }
  }

  /// Runs a program; its two outputs are one text.
  static func run(_ command: [String], limit: Int, timeout: Duration) async throws(CommandError) -> Output {
    guard let program = command.first else { return Output(bytes: [], problem: nil) }
    let store = Store(limit: limit)
    let problem: String?
    do {
      problem = try await withThrowingTaskGroup(of: String?.self) { group in
        group.addTask { try await run(program, Array(command.dropFirst()), into: store) }
        group.addTask {
          try await Task.sleep(for: timeout)
          return "did not end within \(timeout) and was ended"
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
      }
    } catch {
      throw .notStarted(program: program, reason: "\(error)")
    }
    return Output(bytes: store.bytes.withLock { $0.bytes }, problem: problem)
  }

  private static func run(_ program: String, _ arguments: [String], into store: Store) async throws -> String? {
    var options = PlatformOptions()
    // Killed at once, with what they have started and what may hold their output open: these programs only read.
    options.processGroupID = 0
    options.teardownSequence = [
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(200))
    ]
    let result = try await Subprocess.run(
      program.contains("/") ? .path(FilePath(program)) : .name(program), arguments: Arguments(arguments),
      platformOptions: options, input: .none, output: .sequence, error: .combinedWithOutput
    ) { execution in
      for try await buffer in execution.standardOutput {
        let bytes = buffer.withUnsafeBytes { Array($0) }
        store.bytes.withLock { $0.append(bytes) }
      }
    }
    switch result.terminationStatus {
    case .exited(0): return nil
    case .exited(let code): return "exit status \(code)"
    case .signaled(let signal): return "ended by signal \(signal)"
    }
  }

  /// Compresses with zstd(1); nil when it is not installed or fails.
  static func zstd(_ bytes: [UInt8]) async -> [UInt8]? {
    try? await withThrowingTaskGroup(of: [UInt8]?.self) { group in
      group.addTask {
        let result = try await Subprocess.run(
          .name("zstd"), arguments: ["--quiet", "--stdout", "-6"], input: .array(bytes),
          output: .bytes(limit: bytes.count + (1 << 20)), error: .discarded)
        return result.terminationStatus == .exited(0) ? result.standardOutput : nil
      }
      group.addTask {
        try await Task.sleep(for: .seconds(10))
        return nil
      }
      defer { group.cancelAll() }
      return try await group.next() ?? nil
    }
  }
}
