import Addresses
import Testing

@Suite struct AddressTests {
  @Test(arguments: [
    ("203.0.113.2", "203.0.113.2", "203.0.113.2"),
    ("2001:DB8::2", "2001:db8::2", "2001:0db8:0000:0000:0000:0000:0000:0002"),
    ("2001:0db8:0000:0000:0000:0000:0000:0002", "2001:db8::2", "2001:0db8:0000:0000:0000:0000:0000:0002"),
    ("::", "::", "0000:0000:0000:0000:0000:0000:0000:0000"),
  ])
  func `every spelling prints in the canonical and in the long form`(text: String, canonical: String, long: String)
    throws
  {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(address.exploded == long)
    #expect(IPAddress(bytes: address.bytes) == address)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.04", "1.2.3.4 ", "[::1]", "fe80::1%eth0", "amphora", "1.2.3.4:80", "::1/64", "1.2.3.4\0x",
  ])
  func `what is no address is refused`(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test(arguments: [
    ("203.0.113.77/24", "203.0.113.0/24"), ("203.0.113.77/0", "0.0.0.0/0"), ("203.0.113.77", "203.0.113.77/32"),
    ("2001:db8:1:2:3::9/64", "2001:db8:1:2::/64"), ("2001:db8:1:2:8003::9/65", "2001:db8:1:2:8000::/65"),
    ("ff::1/0", "::/0"),
  ])
  func `a network masks its host bits`(text: String, network: String) throws {
    let cidr = try #require(CIDR(text))
    #expect(cidr.network.description == network)
    #expect(cidr.contains(cidr.address))
    #expect(CIDR(strict: network) != nil)
    #expect((CIDR(strict: text) == nil) == (cidr.address != cidr.network.address))
  }

  @Test(arguments: [
    "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/+8", "::/129", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0",
  ])
  func `what is no network is refused`(text: String) {
    #expect(CIDR(text) == nil)
  }

  @Test func `hardware addresses compare by value and print in lower case`() throws {
    let mac = try #require(MACAddress("FA:16:3e:AA:0b:cc"))
    #expect(mac == MACAddress("fa:16:3E:aa:0B:CC"))
    #expect(mac.description == "fa:16:3e:aa:0b:cc")
    #expect(MACAddress(bytes: mac.bytes) == mac)
  }

  @Test(arguments: [
    "", "00:00:00:00:00:00", "fa:16:3e:aa:0b", "fa:16:3e:aa:0b:c", "fa:16:3e:aa:0b:+c", "fa-16-3e-aa-0b-cc",
    "fa:16:3e:aa:0b:cc:dd", "fa:16:3e:aa:0b:gg",
  ])
  func `what is no hardware address is refused`(text: String) {
    #expect(MACAddress(text) == nil)
  }

  @Test func `loopback and link-local ranges`() throws {
    #expect(try #require(IPAddress("127.9.9.9")).isLoopback)
    #expect(try #require(IPAddress("::1")).isLoopback)
    #expect(try #require(IPAddress("fe80::1")).isLinkLocal)
    #expect(try #require(IPAddress("febf::1")).isLinkLocal)
    #expect(try #require(IPAddress("fec0::1")).isLinkLocal == false)
    #expect(try #require(IPAddress("169.254.9.9")).isLinkLocal)
  }
}
