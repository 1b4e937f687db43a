// Hears every frame on a host's wire.

import AmphoraAgent
import AmphoraLab
import Glibc
import Netlink
import TestSupport

/// A packet socket in a namespace; frames that come are kept by the kernel until they are read.
final class WireTap: Sendable {
  private let descriptor: Int32

  init(in namespace: NetworkNamespace) throws {
    descriptor = try namespace.runBlocking { () throws -> Int32 in
      // ETH_P_ALL = 3; not bound to a link, because a host has only one.
      let descriptor = socket(
        AF_PACKET, Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), Int32(UInt16(3).bigEndian)
      )
      guard descriptor >= 0 else { throw SandboxError.systemCall("socket AF_PACKET", errno: errno) }
      return descriptor
    }
  }

  deinit { close(descriptor) }

  /// The next frame that fulfils the condition; throws when none comes in time.
  func frame(_ what: String, where isWanted: ([UInt8]) -> Bool) async throws -> [UInt8] {
    try await poll(what) { nextWaiting(isWanted) }
  }

  /// Whether such a frame has come by now; the ones before it are gone.
  func hasSeen(_ isWanted: ([UInt8]) -> Bool) -> Bool { nextWaiting(isWanted) != nil }

  private func nextWaiting(_ isWanted: ([UInt8]) -> Bool) -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 2048)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      let frame = Array(buffer[..<count])
      if isWanted(frame) { return frame }
    }
  }
}
