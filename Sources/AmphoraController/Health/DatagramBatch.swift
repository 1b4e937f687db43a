// Many datagrams with one system call (recvmmsg(2)), and what the kernel says about each.

import CSocket
import Glibc

/// A received datagram; its bytes are valid until the next receive.
struct Datagram {
  let bytes: UnsafeRawBufferPointer
  let source: DatagramSource
  /// When the kernel took it, in nanoseconds since 1970; nil when the kernel does not say.
  let arrivedAt: Int64?
}

/// Buffers for a batch of datagrams.
struct DatagramBatch: ~Copyable {
  private static let capacity = 128
  /// The longest datagram that IP carries is shorter (contract heartbeat-and-config §2.9).
  private static let slotBytes = 65536
  private static let controlBytes = 128

  private let slots: UnsafeMutableRawPointer
  private let controls: UnsafeMutableRawPointer
  private let addresses: UnsafeMutablePointer<sockaddr_storage>
  private let vectors: UnsafeMutablePointer<iovec>
  private let headers: UnsafeMutablePointer<amphora_mmsghdr>
  /// How many datagrams there are.
  private(set) var count = 0
  /// How many datagrams the kernel has dropped for want of buffer since the socket was opened.
  private(set) var droppedByKernel: UInt32 = 0

  /// Reserves address space: pages become memory when a datagram is that long.
  init() {
    slots = .allocate(byteCount: Self.capacity * Self.slotBytes, alignment: 4096)
    controls = .allocate(byteCount: Self.capacity * Self.controlBytes, alignment: 16)
    addresses = .allocate(capacity: Self.capacity)
    addresses.initialize(repeating: sockaddr_storage(), count: Self.capacity)
    vectors = .allocate(capacity: Self.capacity)
    headers = .allocate(capacity: Self.capacity)
    for index in 0..<Self.capacity {
      (vectors + index).initialize(
        to: iovec(iov_base: slots + index * Self.slotBytes, iov_len: Self.slotBytes))
      (headers + index).initialize(to: amphora_mmsghdr())
    }
  }

  deinit {
    slots.deallocate()
    controls.deallocate()
    addresses.deallocate()
    vectors.deallocate()
    headers.deallocate()
  }

  /// Takes what is waiting; false when nothing is.
  mutating func receive(from descriptor: Int32) -> Bool {
    for index in 0..<Self.capacity {
      headers[index].msg_hdr = msghdr(
        msg_name: addresses + index, msg_namelen: socklen_t(MemoryLayout<sockaddr_storage>.size),
        msg_iov: vectors + index, msg_iovlen: 1, msg_control: controls + index * Self.controlBytes,
        msg_controllen: Self.controlBytes, msg_flags: 0)
    }
    // An ICMP error that answers something else sent from this port is no reason to stop; it is gone when it was told.
    let received = amphora_recvmmsg(descriptor, headers, UInt32(Self.capacity), Int32(MSG_DONTWAIT))
    count = max(0, Int(received))
    return count > 0
  }

  /// Calls `body` with each datagram.
  mutating func forEach(_ body: (Datagram) -> Void) {
    for index in 0..<count {
      let arrivedAt = readControls(index)
      body(
        Datagram(
          bytes: UnsafeRawBufferPointer(start: slots + index * Self.slotBytes, count: Int(headers[index].msg_len)),
          source: DatagramSource(addresses + index), arrivedAt: arrivedAt))
    }
  }

  private mutating func readControls(_ index: Int) -> Int64? {
    let header = UnsafeMutableRawPointer(headers + index).assumingMemoryBound(to: msghdr.self)
    var arrivedAt: Int64?
    var control = amphora_first_control(header)
    while let current = control {
      let data = UnsafeRawPointer(amphora_control_data(current))
      if current.pointee.cmsg_level == SOL_SOCKET, let data {
        if current.pointee.cmsg_type == SO_TIMESTAMPNS {
          let time = data.loadUnaligned(as: timespec.self)
          arrivedAt = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        } else if current.pointee.cmsg_type == SO_RXQ_OVFL {
          droppedByKernel = data.loadUnaligned(as: UInt32.self)
        }
      }
      control = amphora_next_control(header, current)
    }
    return arrivedAt
  }
}
