// Replays and restarts, told apart by sequence number and digest (contract heartbeat-and-config §2.2, §3.7, §7 row 16).

/// What a heartbeat's sequence number says.
enum SequenceReading: Hashable {
  /// The next one, or one of those that came out of order.
  case fresh
  /// The agent has started anew.
  case restarted
  /// The very datagram has been here before.
  case repeated
}

/// The last 16 heartbeats of one amphora (contract §3.7), without a heap object: there may be 100,000 of these.
struct SequenceWindow {
  private static let length = 16
  private static let none = -1

  private var sequences = SIMD16<Int>(repeating: none)
  private var digests = SIMD16<UInt64>()
  private var nextSlot = 0
  private var newest = none

  /// Judges a heartbeat and remembers it.
  ///
  /// - Parameters:
  ///   - sequence: the message's number; nil from agents that have none: those cannot be judged.
  ///   - digest: the beginning of the datagram's digest. An agent that starts anew uses old numbers again, but for other
  ///     messages.
  mutating func take(_ sequence: Int?, digest: UInt64) -> SequenceReading {
    guard let sequence, sequence >= 0 else { return .fresh }
    guard newest != Self.none else {
      begin(sequence, digest)
      return .fresh
    }
    if let slot = sequences.indices.first(where: { sequences[$0] == sequence }) {
      // After a start the first message often is the very bytes of the start before; nothing else may begin a run.
      if digests[slot] == digest, sequence > 0 || newest == 0 { return .repeated }
      begin(sequence, digest)
      return .restarted
    }
    if sequence == 0 || newest - sequence >= Self.length {
      begin(sequence, digest)
      return .restarted
    }
    remember(sequence, digest)
    newest = max(newest, sequence)
    return .fresh
  }

  private mutating func begin(_ sequence: Int, _ digest: UInt64) {
    self = SequenceWindow()
    newest = sequence
    remember(sequence, digest)
  }

  private mutating func remember(_ sequence: Int, _ digest: UInt64) {
    sequences[nextSlot] = sequence
    digests[nextSlot] = digest
    nextSlot = (nextSlot + 1) % Self.length
  }
}
