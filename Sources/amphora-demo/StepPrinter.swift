// One line per step: a tick or a cross, what was done, what came of it, how long it took.

import AmphoraController
import Glibc

/// Runs and prints steps.
struct StepPrinter: Sendable {
  private let isTerminal = isatty(1) == 1

  /// Runs a step; its result's text stands behind the step's name.
  func step<T>(_ name: String, _ body: () async throws -> (T, String)) async throws -> T {
    if Interrupt.isRequested { throw CancellationError() }
    let start = ContinuousClock.now
    do {
      let (value, text) = try await body()
      line(paint("✔", 32), name, text, ContinuousClock.now - start)
      return value
    } catch {
      line(paint("✘", 31), name, "\(error)", ContinuousClock.now - start)
      throw error
    }
  }

  /// Prints a step of a procedure.
  func procedureStep(_ progress: ProcedureProgress, succeeded: Bool) {
    line(succeeded ? paint("✔", 32) : paint("✘", 31), "  " + progress.name, progress.detail, progress.elapsed)
  }

  private func line(_ mark: String, _ name: String, _ text: String, _ took: Duration) {
    let milliseconds = took.components.seconds * 1000 + took.components.attoseconds / 1_000_000_000_000_000
    let padded = name + String(repeating: " ", count: max(1, 56 - name.count))
    show("  \(mark) \(padded)\(milliseconds < 10_000 ? "\(milliseconds) ms" : "\(milliseconds / 1000) s")\t\(text)")
  }

  /// Without a buffer: a step's line is there when the step is done, also in a pipe.
  func show(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
  }

  private func paint(_ text: String, _ colour: Int) -> String {
    isTerminal ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
  }
}
