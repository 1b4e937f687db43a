// Datagrams over loopback at a steady rate.

import AmphoraLab
import CSocket
import Glibc

enum PacedSender {
  /// How many datagrams go out with one system call.
  private static let burst = 50

  /// Sends to 127.0.0.1, on a thread of its own, which the pacing blocks.
  static func send(_ datagrams: [[UInt8]], to port: Int, perSecond rate: Int) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      let thread = SendingThread(datagrams: datagrams, port: port, rate: rate) { continuation.resume(with: $0) }
      thread.start()
    }
  }

  fileprivate static func sendNow(_ datagrams: [[UInt8]], to port: Int, perSecond rate: Int) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { throw SandboxError.systemCall("socket", errno: errno) }
    defer { close(descriptor) }
    try connect(descriptor, to: port)
    let start = ContinuousClock.now
    var sent = 0
    while sent < datagrams.count {
      let due = start + .seconds(Double(sent) / Double(rate))
      let early = due - ContinuousClock.now
      if early > .zero {
        var pause = timespec(tv_sec: 0, tv_nsec: Int(early.components.attoseconds / 1_000_000_000))
        nanosleep(&pause, nil)
      }
      sent += try sendBurst(datagrams[sent..<min(sent + burst, datagrams.count)], descriptor)
    }
  }

  private static func connect(_ descriptor: Int32, to port: Int) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SandboxError.systemCall("connect", errno: errno) }
  }

  private static func sendBurst(_ datagrams: ArraySlice<[UInt8]>, _ descriptor: Int32) throws -> Int {
    // One piece of memory for the burst, so that addresses stay valid for the call.
    var bytes = datagrams.flatMap(\.self)
    var vectors = [iovec](repeating: iovec(), count: datagrams.count)
    var headers = [amphora_mmsghdr](repeating: amphora_mmsghdr(), count: datagrams.count)
    let sent = bytes.withUnsafeMutableBytes { bytes in
      vectors.withUnsafeMutableBufferPointer { vectors in
        headers.withUnsafeMutableBufferPointer { headers in
          var offset = 0
          for (index, datagram) in datagrams.enumerated() {
            vectors[index] = iovec(iov_base: bytes.baseAddress.map { $0 + offset }, iov_len: datagram.count)
            headers[index].msg_hdr.msg_iov = vectors.baseAddress.map { $0 + index }
            headers[index].msg_hdr.msg_iovlen = 1
            offset += datagram.count
          }
          return amphora_sendmmsg(descriptor, headers.baseAddress, UInt32(headers.count), 0)
        }
      }
    }
    guard sent >= 0 else { throw SandboxError.systemCall("sendmmsg", errno: errno) }
    return Int(sent)
  }
}

/// A thread that sends once.
private final class SendingThread: Sendable {
  private let datagrams: [[UInt8]]
  private let port: Int
  private let rate: Int
  private let done: @Sendable (Result<Void, any Error>) -> Void

  init(datagrams: [[UInt8]], port: Int, rate: Int, done: @escaping @Sendable (Result<Void, any Error>) -> Void) {
    self.datagrams = datagrams
    self.port = port
    self.rate = rate
    self.done = done
  }

  func start() {
    let box = Unmanaged.passRetained(self)
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { pointer in
        if let pointer { Unmanaged<SendingThread>.fromOpaque(pointer).takeRetainedValue().run() }
        return nil
      }, box.toOpaque())
    guard result == 0 else {
      box.release()
      return done(.failure(SandboxError.systemCall("pthread_create", errno: result)))
    }
    pthread_detach(thread)
  }

  private func run() {
    done(Result { try PacedSender.sendNow(datagrams, to: port, perSecond: rate) })
  }
}
