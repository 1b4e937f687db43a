// How patient a client is (contract agent-api §1.6).

/// How often a request is tried, and how long a client waits in between.
public struct RetryProfile: Hashable, Sendable {
  /// The number of attempts, at least one.
  public var attempts: Int
  /// The pause after a failed attempt.
  public var pause: Duration

  /// Makes a profile.
  public init(attempts: Int, pause: Duration) {
    self.attempts = max(1, attempts)
    self.pause = pause
  }

  /// An amphora that should be there, or is being built: ten minutes.
  public static let normal = RetryProfile(attempts: 120, pause: .seconds(5))
  /// An existing amphora during a failover, which may be gone.
  public static let failover = RetryProfile(attempts: 15, pause: .seconds(2))
  /// Looking for the amphora that holds the VIP.
  public static let victim = RetryProfile(attempts: 2, pause: .seconds(5))
  /// One attempt.
  public static let once = RetryProfile(attempts: 1, pause: .zero)
}
