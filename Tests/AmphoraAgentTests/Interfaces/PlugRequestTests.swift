// Which plug bodies are taken, and with which of the contract's texts the others are refused (agent-api §2 #14, #15).

import Addresses
import AmphoraProtocol
import Testing

@testable import AmphoraAgent

@Suite struct PlugRequestTests {
  private func refusal(_ vip: String = "203.0.113.2", _ change: (inout PlugVIPBody) -> Void = { _ in }) -> PlugRefusal
    .Answer?
  {
    var body = Example.bodyA
    change(&body)
    do {
      _ = try VIPPlug(vip: vip, body: body)
      return nil
    } catch {
      return error.answer
    }
  }

  private func networkRefusal(_ change: (inout PlugNetworkBody) -> Void) -> PlugRefusal.Answer? {
    var body = Example.bodyE()
    change(&body)
    do {
      _ = try NetworkPlug(body: body)
      return nil
    } catch {
      return error.answer
    }
  }

  @Test func `a good VIP body is taken, the MAC in any letter case`() throws {
    var body = Example.bodyD
    body.macAddress = "FA:16:3E:AA:BB:CC"
    let plug = try VIPPlug(vip: "203.0.113.2", body: body)
    #expect(plug.mac.description == "fa:16:3e:aa:bb:cc")
    #expect(plug.vips.all.map(\.address.description) == ["203.0.113.2", "2001:db8::2"])
    #expect(plug.vips.vrrp?.description == "203.0.113.4")
    #expect(plug.mtu == 1450 && !plug.isSRIOV)
  }

  @Test func `a wrong VIP or subnet is an invalid VIP`() {
    let message = { (why: String) in PlugRefusal.Answer.message("Invalid VIP: \(why)") }
    #expect(refusal("nonsense") == message("'nonsense' does not appear to be an IPv4 or IPv6 address"))
    #expect(refusal { $0.subnetCIDR = "203.0.113.2/24" } == message("203.0.113.2/24 has host bits set"))
    #expect(refusal { $0.subnetCIDR = "x" } == message("'x' does not appear to be an IPv4 or IPv6 network"))
    #expect(refusal("2001:db8::1") == message("'2001:db8::1' is not of the IP version of 203.0.113.0/24"))
    #expect(
      refusal { $0.additionalVIPs = [.init(ipAddress: "2001:db8::2", subnetCIDR: "2001:db8::2/64", gateway: nil)] }
        == message("2001:db8::2/64 has host bits set"))
    #expect(
      refusal { $0.additionalVIPs = [.init(ipAddress: "", subnetCIDR: "2001:db8::/64", gateway: nil)] }
        == message("'' does not appear to be an IPv4 or IPv6 address"))
  }

  @Test func `a wrong VRRP address has its own text`() {
    #expect(
      refusal { $0.vrrpIP = "1.2.3" }
        == .message("Invalid VRRP Address: '1.2.3' does not appear to be an IPv4 or IPv6 address"))
    #expect(
      refusal { $0.vrrpIP = "2001:db8::4" }
        == .message("Invalid VRRP Address: '2001:db8::4' is not of the IP version of 203.0.113.0/24"))
  }

  @Test func `the rest of a VIP body is subnet information`() {
    let framework = PlugRefusal.Answer.framework("Invalid subnet information")
    #expect(refusal { $0.macAddress = "02:00:00:00:00" } == framework)
    #expect(refusal { $0.macAddress = "00:00:00:00:00:00" } == framework)
    #expect(refusal { $0.mtu = -1 } == framework)
    #expect(refusal { $0.mtu = 70_000 } == framework)
    #expect(refusal { $0.gateway = "here" } == framework)
    #expect(refusal { $0.gateway = "2001:db8::1" } == framework)
    #expect(refusal { $0.hostRoutes = [.init(destination: "x", nexthop: "203.0.113.9")] } == framework)
    #expect(refusal { $0.hostRoutes = [.init(destination: "10.0.0.0/8", nexthop: "")] } == framework)
    #expect(refusal { $0.hostRoutes = [.init(destination: "10.0.0.0/8", nexthop: "2001:db8::9")] } == framework)
    #expect(refusal { $0.hostRoutes = [.init(destination: "10.1.2.3/8", nexthop: "203.0.113.9")] } == nil)
  }

  @Test func `a wrong address of a port is an invalid network port, all else port information`() {
    let framework = PlugRefusal.Answer.framework("Invalid port information")
    #expect(networkRefusal { $0.fixedIPs?[0].ipAddress = "10.0.0.256" } == .message("Invalid network port"))
    #expect(networkRefusal { $0.fixedIPs?[0].subnetCIDR = "10.0.0.5/24" } == framework)
    #expect(networkRefusal { $0.fixedIPs?[0].subnetCIDR = "2001:db8::/64" } == framework)
    #expect(networkRefusal { $0.fixedIPs?[0].hostRoutes = [.init(destination: "", nexthop: "10.0.0.1")] } == framework)
    #expect(networkRefusal { $0.macAddress = "eth0" } == framework)
    #expect(networkRefusal { $0.vipNetInfo?.vip = nil } == framework)
    #expect(
      networkRefusal { $0.vipNetInfo?.vip = "x" }
        == .message("Invalid VIP: 'x' does not appear to be an IPv4 or IPv6 address"))
    #expect(networkRefusal { $0.fixedIPs = nil } == nil)
    #expect(networkRefusal { $0.fixedIPs = [] } == nil)
  }
}
