// haproxy-vrrp-check against haproxies that say nothing (contract services §3.6, §8 item 12).

import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct VRRPCheckTests {
  /// The exit code of a check of sockets, and how long it took.
  private func check(_ folder: LabFolder, _ names: [String]) async throws -> (code: Int32, took: Duration) {
    let sockets = names.map { "\(folder.path)/\($0)" }
    return try await HeartbeatLab.offPool {
      let start = ContinuousClock.now
      return (VRRPCheck.run(sockets: sockets), .now - start)
    }
  }

  @Test func `silence fails, within one deadline for all sockets that is below keepalived's interval`() async throws {
    let folder = try LabFolder()
    let slow = try ["slow-1", "slow-2"].map { name in
      try UnixServer("\(folder.path)/\(name)") { _ in
        poll(nil, 0, 1500)
        return Array("#\n".utf8)
      }
    }
    let silent = try UnixServer("\(folder.path)/silent") { _ in nil }
    let (code, took) = try await check(folder, ["slow-1", "slow-2", "silent"])
    #expect(code == 1)
    // With a deadline for each socket it would be 1.5 s + 1.5 s + 4 s.
    #expect(took < .milliseconds(6500), "\(took)")
    #expect(took >= .seconds(3), "both slow ones were waited for")
    // keepalived's interval in controllers' configurations is 5 s.
    #expect(VRRPCheck.limit < .seconds(5))
    withExtendedLifetime((slow, silent)) {}
  }

  @Test func `an answer is enough, empty ones are counted`() async throws {
    let folder = try LabFolder()
    let good = try UnixServer("\(folder.path)/good") { Array("[\($0)]".utf8) }
    let empty = try ["empty-1", "empty-2"].map { name in try UnixServer("\(folder.path)/\(name)") { _ in [] } }
    #expect(try await check(folder, ["good", "good"]).code == 0)
    #expect(try await check(folder, ["good", "empty-1"]).code == 1)
    #expect(try await check(folder, ["empty-1", "good", "empty-2"]).code == 2)
    #expect(try await check(folder, ["empty-1", "empty-2", "absent"]).code == 1, "a missing one fails at once")
    #expect(try await check(folder, []).code == 0)
    withExtendedLifetime((good, empty)) {}
  }
}
