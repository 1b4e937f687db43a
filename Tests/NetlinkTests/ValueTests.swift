import Addresses
import Glibc
import Testing

@testable import Netlink

@Suite struct ValueTests {
  @Test(arguments: ["", ".", "..", "a/b", "/", "a b", "-n", "a\0b", "a\n", "ä", String(repeating: "x", count: 256)])
  func `what cannot be a handle's file name is no namespace name`(name: String) {
    #expect(NetworkNamespace(name) == nil)
  }

  @Test(arguments: ["amphora-haproxy", "a", "...", "ns_1.x", String(repeating: "x", count: 255)])
  func `a namespace's handle is where ip netns looks`(name: String) throws {
    #expect(try #require(NetworkNamespace(name)).path == "/run/netns/\(name)")
  }

  @Test(arguments: ["", ".", "..", "a/b", "eth%d", "a:1", "a b", "a\0", "abcdefghijklmnop", "a\u{7f}"])
  func `what the kernel would not take as a link's name is refused`(name: String) {
    #expect(!Link.isValidName(name))
  }

  @Test(arguments: ["eth1", "eth1.5", "abcdefghijklmno", "ä"])
  func `what the kernel takes as a link's name is allowed`(name: String) {
    #expect(Link.isValidName(name))
  }

  @Test func `errors say what, on which object and why`() {
    #expect(
      NetlinkError("add address", "10.0.0.1/8 on link 3", errno: EEXIST).description
        == "cannot add address 10.0.0.1/8 on link 3: File exists (errno 17)")
    #expect(
      NetlinkError("add route", "r", errno: ENETUNREACH, message: "Nexthop has invalid gateway.").description
        == "cannot add route r: Nexthop has invalid gateway. (errno 101)")
    #expect(NetworkNamespaceError.missing("x").description == "there is no network namespace x")
    #expect(
      NetworkNamespaceError.failed("enter", "x", errno: EPERM).description
        == "cannot enter network namespace x: Operation not permitted (errno 1)")
  }

  @Test func `each errno answers one question with yes`() {
    let questions: [(KeyPath<NetlinkError, Bool>, [Int32])] = [
      (\.isExists, [EEXIST]), (\.isNoDevice, [ENODEV]), (\.isNotFound, [ESRCH, ENOENT, EADDRNOTAVAIL]),
      (\.isInvalid, [EINVAL]), (\.isDenied, [EPERM, EACCES]), (\.isUnreachable, [ENETUNREACH, EHOSTUNREACH]),
      (\.isNetworkDown, [ENETDOWN]),
    ]
    for (question, errnos) in questions {
      #expect((1..<133).filter { NetlinkError("", "", errno: $0)[keyPath: question] } == errnos.sorted())
    }
  }

  // The vectors of contract networking §7.
  @Test func `gratuitous ARP, byte for byte`() throws {
    let mac = try #require(MACAddress("00:00:5e:00:53:33"))
    let expected = "ffffffffffff00005e0053330806000108000604000100005e005333cb007102ffffffffffffcb007102"
    #expect(hex(AddressAnnouncement.gratuitousARP(ip("203.0.113.2"), mac)) == expected)
  }

  @Test func `neighbour advertisement, byte for byte with its checksum`() throws {
    let mac = try #require(MACAddress("00:00:5e:00:53:33"))
    let expected = "8800c993a000000020010db8000000000000000000000033020100005e005333"
    #expect(hex(AddressAnnouncement.neighborAdvertisement(ip("2001:db8::33"), mac)) == expected)
  }

  @Test func `routes choose the scope that ip route chooses`() {
    #expect(Route(to: network("10.0.0.0/8"), linkIndex: 1).scope == .link)
    #expect(Route(to: network("10.0.0.0/8"), via: ip("10.0.0.1"), linkIndex: 1).scope == .universe)
    #expect(Route(to: network("10.0.0.0/8"), linkIndex: 0, kind: .blackhole).scope == .universe)
    #expect(Route(to: network("10.0.0.0/8"), linkIndex: 1, scope: .universe).scope == .universe)
  }
}

func hex(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
