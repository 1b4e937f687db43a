// A check that stays and watches haproxy until the next one is due. That keepalived gains by it is shown by
// Interop/test_pair.

import Addresses
import Files
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct VRRPWatchTests {
  /// As a controller renders it.
  private static let configuration = """
    vrrp_script check_script {
        script /var/lib/octavia/vrrp/check_script.sh
        interval 5
        fall 2
        rise 2
    }

    vrrp_instance 0f0e {
        interface eth1
        advert_int 1
        unicast_src_ip 203.0.113.4
        unicast_peer {
            203.0.113.5
        }
        virtual_ipaddress {
            203.0.113.10
            203.0.113.11/32
        }
        virtual_ipaddress_excluded {
            2001:db8::10
        }
        virtual_rules {
            from 203.0.113.10/32 table 1 priority 100
        }
    }
    """

  @Test func `interval and VIPs are read from keepalived's configuration`() throws {
    let settings = try #require(VRRPWatch.Settings(Self.configuration))
    #expect(settings.interval == .seconds(5))
    #expect(settings.vips == ["203.0.113.10", "203.0.113.11"].compactMap { IPAddress($0) })
    let limited = try #require(
      VRRPWatch.Settings(Self.configuration.replacing("fall 2", with: "timeout 3")))
    #expect(limited.interval == .seconds(3), "keepalived would end a check that takes longer")
  }

  @Test(arguments: [
    ("interval 5", ""), ("interval 5", "interval 0"), ("interval 5", "interval 5.5"), ("interval 5", "interval"),
    ("203.0.113.10\n", "\n"),
  ]) func `what is not as controllers write it is not guessed at`(text: String, other: String) {
    var configuration = Self.configuration.replacing(text, with: other)
    if text.hasPrefix("203") { configuration = configuration.replacing("203.0.113.11/32", with: "") }
    #expect(VRRPWatch.Settings(configuration) == nil)
  }

  /// Something that listens on a socket's path, as haproxy does.
  private final class Listener {
    let path: String
    private let descriptor: CInt

    init(_ path: String) throws {
      self.path = path
      descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
      unlink(path)
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(descriptor >= 0 && bound == 0 && listen(descriptor, 0) == 0)
    }

    deinit { close(descriptor) }
  }

  private func watch(_ paths: [String], _ limit: Duration) -> VRRPWatch {
    VRRPWatch(sockets: paths.map { StatsSocket(path: $0) }, end: .now + limit, pause: .milliseconds(20))
  }

  @Test func `a haproxy that stays is there at the end, even when it takes no connections for a while`() throws {
    let folder = try ScratchFolder()
    // Nobody accepts: after one or two connections the queue is full.
    let listeners = try ["a", "b"].map { try Listener("\(folder.path)/\($0).sock") }
    let begin = ContinuousClock.now
    #expect(watch(listeners.map(\.path), .milliseconds(300)).run())
    #expect(ContinuousClock.now - begin >= .milliseconds(300))
  }

  @Test func `one that ends is noticed at once, whichever of several it is`() throws {
    let folder = try ScratchFolder()
    let stays = try Listener("\(folder.path)/a.sock")
    var ends: Listener? = try Listener("\(folder.path)/b.sock")
    let path = try #require(ends?.path)
    ends = nil
    let begin = ContinuousClock.now
    #expect(!watch([stays.path, path], .seconds(60)).run())
    #expect(ContinuousClock.now - begin < .seconds(30))
    #expect(!watch([stays.path, "\(folder.path)/never.sock"], .seconds(60)).run())
  }

  @Test func `one that is missing at the end is missing`() {
    #expect(!watch(["/nonexistent/a.sock"], .zero).run())
  }

  @Test func `one that is back at the second look has not ended`() throws {
    let folder = try ScratchFolder()
    let path = "\(folder.path)/a.sock"
    let begin = ContinuousClock.now
    var time = begin
    var listener: Listener?
    let watch = VRRPWatch(sockets: [StatsSocket(path: path)], end: begin + .milliseconds(600))
    // The first look finds nothing; haproxy is back before the second.
    let isThere = watch.run(now: { time }) { pause in
      if listener == nil { listener = try? Listener(path) }
      time += pause
    }
    #expect(isThere && listener != nil)
    #expect(time == begin + .milliseconds(600), "the watch went on to its end")
  }

  @Test func `a check that keepalived has not started is one look`() throws {
    let folder = try ScratchFolder()
    let listener = try Listener("\(folder.path)/a.sock")
    try DurableFile.createDirectory("\(folder.path)/vrrp", mode: 0o755)
    try folder.write(
      Self.configuration.replacing("203.0.113.10", with: "127.0.0.1"), to: "vrrp/octavia-keepalived.conf")
    #expect(VRRPWatch(sockets: [listener.path]) == nil)
    #expect(VRRPWatch(sockets: []) == nil)
  }
}
