// Waiting for the kernel to change something, instead of asking again and again.

import CNetlink
import Glibc
import Synchronization

/// Tells that links or addresses of a namespace changed, from the moment it is made.
///
/// One waiter at a time: others queue until the first one's time is over. Waiting blocks the calling thread.
/// Make it first, then look, then wait: what happens in between is not missed. ``wait(atMost:until:)`` does so.
package final class LinkEvents: Sendable {
  /// What can be listened to.
  package enum Subject: Hashable, Sendable {
    /// Links come, go and change: a hot-plugged NIC.
    case links
    /// IPv6 addresses come, go and change: the end of duplicate detection.
    case ipv6Addresses
  }

  private let handle: Mutex<NetlinkHandle>

  /// Listens in the calling thread's namespace.
  package init(_ subjects: Set<Subject>) throws(NetlinkError) {
    handle = Mutex(try NetlinkHandle.listening(to: subjects))
  }

  /// Listens in a namespace.
  ///
  /// ``NetworkNamespaceError/missing(_:)`` when there is none of that name.
  package init(_ subjects: Set<Subject>, in namespace: NetworkNamespace) throws {
    handle = Mutex(try namespace.runBlocking { try NetlinkHandle.listening(to: subjects) })
  }

  /// Blocks until something changed since the last call; false when nothing did within the time.
  package func wait(atMost limit: Duration) throws(NetlinkError) -> Bool {
    try wait(until: .now + limit)
  }

  /// Blocks until `condition` gives a value: asked at once and after each change; nil when the time is over.
  ///
  ///     let link = try events.wait(atMost: .seconds(1)) { try socket.link(mac: mac) }
  package func wait<Value>(atMost limit: Duration, until condition: () throws -> Value?) throws -> Value? {
    let deadline = ContinuousClock.now + limit
    while true {
      if let value = try condition() { return value }
      if try !wait(until: deadline) { return nil }
    }
  }

  private func wait(until deadline: ContinuousClock.Instant) throws(NetlinkError) -> Bool {
    try handle.withLock { (handle) throws(NetlinkError) in
      while true {
        var poll = pollfd(fd: handle.descriptor, events: Int16(POLLIN), revents: 0)
        let left = max(.zero, ContinuousClock.now.duration(to: deadline))
        // Rounded up, so that the last round does not spin.
        let count = Glibc.poll(&poll, 1, Int32(clamping: left.components.seconds * 1000 + left.milliseconds))
        if count > 0, handle.discardInput() { return true }
        if count == 0 { return false }
        guard count > 0 || errno == EINTR else { throw NetlinkError("wait for", "link events", errno: errno) }
      }
    }
  }
}

extension Duration {
  /// The part below a second in milliseconds, rounded up.
  fileprivate var milliseconds: Int64 { (components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000 }
}

extension NetlinkHandle {
  fileprivate static func listening(to subjects: Set<LinkEvents.Subject>) throws(NetlinkError) -> NetlinkHandle {
    let handle = try NetlinkHandle()
    for subject in subjects {
      try handle.join(subject == .links ? RTNLGRP_LINK : RTNLGRP_IPV6_IFADDR)
    }
    return handle
  }
}
