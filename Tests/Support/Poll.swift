// Waiting for what comes about by itself: the one place where tests let time pass.

/// What did not come about in time.
package struct TimedOut: Error, CustomStringConvertible {
  /// What was waited for.
  package let what: String
  /// How long.
  package let limit: Duration

  package var description: String { "\(what): did not come about within \(limit)" }
}

/// Asks until there is an answer, 20 s at most unless told otherwise.
///
/// Disfavoured, because with `try?` and a closure of several statements the compiler took a false for an answer.
@discardableResult
@_disfavoredOverload
package func poll<T>(
  _ what: @autoclosure () -> String, within limit: Duration = .seconds(20), _ ask: () async throws -> T?
) async throws -> T {
  let deadline = ContinuousClock.now + limit
  while true {
    if let answer = try await ask() { return answer }
    guard ContinuousClock.now < deadline else { throw TimedOut(what: what(), limit: limit) }
    try await Task.sleep(for: .milliseconds(10))
  }
}

/// Asks until it is so.
package func poll(
  _ what: @autoclosure () -> String, within limit: Duration = .seconds(20), until isSo: () async throws -> Bool
) async throws {
  let _: Bool = try await poll(what(), within: limit) { try await isSo() ? true : nil }
}
