// What the heartbeat sender has done so far, for `amphora-agent status`.

/// A snapshot of the heartbeat sender.
package struct HeartbeatStatus: Sendable, Hashable {
  /// Why a heartbeat was not sent.
  package enum SkipReason: String, Sendable, Hashable, CaseIterable {
    /// VRRP is set up but keepalived is dead: silence on purpose.
    case vrrpDown = "VRRP is configured but keepalived is not running"
    /// `amphora_id` or `heartbeat_key` is not set.
    case notConfigured = "amphora_id or heartbeat_key is not set"
    case noDestination = "no controller is configured"
    /// The first lookups of controllers' names are under way.
    case resolving = "controllers' names are being looked up"
    case unresolvable = "no controller's name can be resolved"
    /// The one before was still being built.
    case overrun = "the previous heartbeat is still being built"
    /// Not even the listeners fit one datagram.
    case tooLarge = "the message does not fit one datagram"
    /// zlib failed, for lack of memory.
    case buildFailed = "the message could not be built"
  }

  /// A heartbeat that left.
  package struct Sent: Sendable, Hashable {
    /// The address and port.
    package let destination: String
    /// The datagram's size.
    package let bytes: Int
    /// Seconds since 1970 by the wall clock.
    package let time: Double
    /// The message's number.
    package let sequence: Int
    /// What was done to make it fit.
    package let form: String
  }

  /// Heartbeats that left.
  package var sent = 0
  /// The last one that left.
  package var last: Sent?
  /// Heartbeats the kernel refused to send.
  package var sendErrors = 0
  /// The kernel's text for the last of them.
  package var lastSendError: String?
  /// Heartbeats not sent, by reason.
  package var skipped: [SkipReason: Int] = [:]
  /// Why the last heartbeat was not sent; nil when it was.
  package var silence: SkipReason?
  /// More about ``silence``.
  package var silenceDetail: String?
  /// Datagrams above 1400 bytes: fragmented, so that one lost fragment loses all.
  package var fragmented = 0
  /// Datagrams above 60,000 bytes: close to the limit.
  package var nearLimit = 0
  /// Datagrams that had to leave out the pools.
  package var withoutPools = 0
  /// Objects that could not be read for the last heartbeat, with the reason.
  package var problems: [String: String] = [:]

  /// Makes a snapshot of a sender that has done nothing.
  package init() {}

  mutating func skip(_ reason: SkipReason, _ detail: String? = nil) {
    skipped[reason, default: 0] += 1
    silence = reason
    silenceDetail = detail
  }
}
