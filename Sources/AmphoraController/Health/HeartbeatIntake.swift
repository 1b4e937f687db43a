// What receiver and monitor share: keys that may change, verification on the socket's thread, and counts.

import AmphoraProtocol
import CSocket
import Glibc
import Synchronization

/// What was done with the datagrams of a socket.
public struct HeartbeatCounters: Hashable, Sendable {
  /// Verified heartbeats.
  public var accepted = 0
  /// Datagrams dropped, by `HeartbeatRejection.kind`.
  public var rejected: [String: Int] = [:]
  /// Good heartbeats lost because the reader was too slow; their counter increments are lost with them.
  public var overrun = 0
  /// Datagrams that the kernel dropped because its buffer was full.
  public var droppedByKernel = 0
  /// Time that the socket's thread spent at work.
  public var cpuTime = Duration.zero
}

/// Judges datagrams and keeps count.
final class HeartbeatIntake: Sendable {
  private let keys: Mutex<[HeartbeatKey]>
  private let generation = Atomic<Int>(0)
  private let counted = Mutex(HeartbeatCounters())
  private let maximumInflatedBytes: Int
  private let onRejection: (@Sendable (HeartbeatRejection, String) -> Void)?

  init(
    keys: [HeartbeatKey], maximumInflatedBytes: Int, onRejection: (@Sendable (HeartbeatRejection, String) -> Void)?
  ) {
    self.keys = Mutex(keys)
    self.maximumInflatedBytes = maximumInflatedBytes
    self.onRejection = onRejection
  }

  var counters: HeartbeatCounters { counted.withLock { $0 } }

  func setKeys(_ new: [HeartbeatKey]) {
    keys.withLock { $0 = new }
    generation.add(1, ordering: .sequentiallyConsistent)
  }

  func countOverrun() { counted.withLock { $0.overrun += 1 } }

  /// What reads batches on the socket's thread: `deliver` gets the verified heartbeats of each.
  func makeTake(
    _ deliver: @escaping @Sendable ([IncomingHeartbeat], ReadTime) -> Void
  ) -> HeartbeatSocket.Take {
    var opener: HeartbeatOpener?
    var openerGeneration = -1
    return { [self] batch in
      let current = generation.load(ordering: .sequentiallyConsistent)
      if current != openerGeneration || opener == nil {
        opener = try? HeartbeatOpener(keys: keys.withLock { $0 }, maximumInflatedBytes: maximumInflatedBytes)
        openerGeneration = current
      }
      let readAt = ReadTime()
      var good: [IncomingHeartbeat] = []
      good.reserveCapacity(batch.count)
      batch.forEach { datagram in
        do throws(HeartbeatRejection) {
          guard let opener else { throw .inflateFailed(code: -1) }
          good.append(
            IncomingHeartbeat(
              message: try opener.message(in: datagram.bytes), source: datagram.source,
              delay: delay(since: datagram.arrivedAt, readAt.realTime), digest: Self.digest(of: datagram.bytes)))
        } catch {
          reject(error, datagram.source)
        }
      }
      if !good.isEmpty { deliver(good, readAt) }
      let (accepted, dropped) = (good.count, Int(batch.droppedByKernel))
      counted.withLock {
        $0.accepted += accepted
        $0.droppedByKernel = dropped
        $0.cpuTime = threadTime()
      }
    }
  }

  private func reject(_ rejection: HeartbeatRejection, _ source: DatagramSource) {
    counted.withLock { $0.rejected[rejection.kind, default: 0] += 1 }
    onRejection?(rejection, source.description)
  }

  /// How long a datagram waited; a wall clock that was set back meanwhile says nothing.
  private func delay(since arrival: Int64?, _ now: Int64) -> Duration {
    guard let arrival else { return .zero }
    return .nanoseconds(max(0, now - arrival))
  }

  /// The last eight bytes: part of the digest in both forms.
  private static func digest(of datagram: UnsafeRawBufferPointer) -> UInt64 {
    datagram.count < 8 ? 0 : datagram.loadUnaligned(fromByteOffset: datagram.count - 8, as: UInt64.self)
  }
}

/// The moment at which a batch was read, on both clocks.
struct ReadTime: Sendable {
  /// Nanoseconds since 1970.
  let realTime = nanoseconds(CLOCK_REALTIME)
  let instant = ContinuousClock.now
}

/// The processor time of the calling thread.
private func threadTime() -> Duration { .nanoseconds(nanoseconds(CLOCK_THREAD_CPUTIME_ID)) }

private func nanoseconds(_ clock: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
