// Recognising the masquerade script, and the ruleset that replaces it.

import Addresses
import Testing

@testable import AmphoraAgent

@Suite struct MasqueradeTests {
  @Test func `the script's command lines are recognised and written`() throws {
    for text in [
      "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1", "/usr/local/bin/lvs-masquerade.sh delete ipv6 eth12 sriov",
    ] {
      #expect(try #require(MasqueradeCommand(text)).text == text)
    }
    #expect(MasqueradeCommand("  /opt/udp-masquerade.sh  add\tipv4 eth1 ")?.action == .add)
  }

  @Test(arguments: [
    "", "/usr/local/bin/lvs-masquerade.sh", "/usr/local/bin/lvs-masquerade.sh add ipv4", "/bin/other.sh add ipv4 eth1",
    "/usr/local/bin/lvs-masquerade.sh flush ipv4 eth1", "/usr/local/bin/lvs-masquerade.sh add ipv5 eth1",
    "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1 other", "/usr/local/bin/lvs-masquerade.sh add ipv4 eth\";x",
    "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1 sriov more",
  ]) func `other commands are not taken for the script`(text: String) {
    #expect(MasqueradeCommand(text) == nil)
  }

  @Test func `without members both tables go`() {
    #expect(
      MasqueradeRules().transaction == """
        table ip octavia-ipv4 {}
        delete table ip octavia-ipv4
        table ip6 octavia-ipv6 {}
        delete table ip6 octavia-ipv6

        """)
  }

  @Test func `beside an SR-IOV interface every one keeps connection tracking, which the firewall needs`() {
    var rules = MasqueradeRules()
    rules.include(["/usr/local/bin/lvs-masquerade.sh add ipv4 eth2 sriov", "/bin/true"])
    rules.include([
      "/usr/local/bin/lvs-masquerade.sh add ipv4 eth1", "/usr/local/bin/lvs-masquerade.sh delete ipv6 eth1",
    ])
    #expect(
      rules.transaction == """
        table ip octavia-ipv4 {}
        delete table ip octavia-ipv4
        table ip octavia-ipv4 {
          chain ip-udp-masq {
            type nat hook postrouting priority 100; policy accept;
            oifname "eth1" meta l4proto udp masquerade
            oifname "eth2" meta l4proto udp masquerade
          }
          chain ip-sctp-masq {
            type nat hook postrouting priority 100; policy accept;
            oifname "eth1" meta l4proto sctp masquerade
            oifname "eth2" meta l4proto sctp masquerade
          }
        }
        table ip6 octavia-ipv6 {}
        delete table ip6 octavia-ipv6

        """)
  }
}
