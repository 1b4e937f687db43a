// Which rules are taken, and what becomes of them in nft's language (contract networking §6, agent-api §3.19).

import Addresses
import FoundationEssentials
import Testing

@testable import AmphoraAgent

@Suite struct VIPRuleTests {
  private static let lines = [
    (#"{"protocol":"TCP","cidr":"192.0.2.0/24","port":443}"#, "ip saddr 192.0.2.0/24 tcp dport 443 accept"),
    (#"{"protocol":"UDP","cidr":null,"port":53}"#, "udp dport 53 accept"),
    (#"{"protocol":"SCTP","cidr":"","port":65535}"#, "sctp dport 65535 accept"),
    (#"{"protocol":"TCP","cidr":"0.0.0.0/0","port":1}"#, "tcp dport 1 accept"),
    (#"{"protocol":"TCP","cidr":"::/0","port":80}"#, "ip6 saddr ::/0 tcp dport 80 accept"),
    (#"{"protocol":"TCP","cidr":"2001:DB8::9/32","port":80}"#, "ip6 saddr 2001:db8::/32 tcp dport 80 accept"),
    (#"{"protocol":"TCP","cidr":"192.0.2.9","port":80.0}"#, "ip saddr 192.0.2.9/32 tcp dport 80 accept"),
    (#"{"protocol":"vrrp","cidr":"203.0.113.5/32","port":112}"#, "ip saddr 203.0.113.5/32 meta l4proto 112 accept"),
    (#"{"protocol":"vrrp","cidr":"2001:db8::5/128","port":112}"#, "ip6 saddr 2001:db8::5/128 meta l4proto 112 accept"),
  ]

  @Test(arguments: lines) func `an element of the body is one line`(json: String, line: String) throws {
    #expect(try FirewallLab.rule(json).text == line)
  }

  @Test(arguments: [
    "7", "[]", "{}", #"{"protocol":"TCP","cidr":null}"#, #"{"protocol":"TCP","port":80}"#, #"{"cidr":null,"port":80}"#,
    #"{"protocol":"TCP","cidr":null,"port":80,"extra":1}"#, #"{"protocol":"tcp","cidr":null,"port":80}"#,
    #"{"protocol":"VRRP","cidr":null,"port":112}"#, #"{"protocol":"ICMP","cidr":null,"port":1}"#,
    #"{"protocol":"TCP","cidr":null,"port":0}"#, #"{"protocol":"TCP","cidr":null,"port":65536}"#,
    #"{"protocol":"TCP","cidr":null,"port":-1}"#, #"{"protocol":"TCP","cidr":null,"port":80.5}"#,
    #"{"protocol":"TCP","cidr":null,"port":"80"}"#, #"{"protocol":"TCP","cidr":null,"port":true}"#,
    #"{"protocol":"TCP","cidr":7,"port":80}"#, #"{"protocol":"TCP","cidr":"192.0.2.0/33","port":80}"#,
    #"{"protocol":"TCP","cidr":"all","port":80}"#, #"{"protocol":"TCP","cidr":"192.0.2.0/24 accept; #","port":80}"#,
    #"{"protocol":"TCP","cidr":"192.0.2.0/24\n","port":80}"#, #"{"protocol":null,"cidr":null,"port":80}"#,
  ]) func `an element of another shape is refused`(json: String) {
    #expect(throws: DecodingError.self) { try FirewallLab.rule(json) }
  }

  @Test func `the ruleset has the contract's lines in their order`() throws {
    #expect(
      VIPFirewall.ruleset(try Self.lines.prefix(2).map { try FirewallLab.rule($0.0) }) == """
        table inet amphora_table {}
        delete table inet amphora_table
        table inet amphora_table {
          chain amphora_chain {
            type filter hook input priority filter; policy drop;
            ct state vmap { established : accept, related : accept, invalid : drop }
            iif lo accept
            ip saddr 127.0.0.0/8 drop
            ip6 saddr ::1 drop
            icmp type destination-unreachable accept
            icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert, packet-too-big, destination-unreachable } accept
            udp sport 67 udp dport 68 accept
            udp sport 547 udp dport 546 accept
            iifname eth1 goto amphora_vip_chain
          }
          chain amphora_vip_chain {
            ip saddr 192.0.2.0/24 tcp dport 443 accept
            udp dport 53 accept
          }
        }

        """)
  }

  @Test func `before the first rules there is the base`() {
    #expect(
      VIPFirewall.closed == """
        table inet amphora_table {}
        delete table inet amphora_table
        table inet amphora_table {
          chain amphora_chain {
            type filter hook input priority filter; policy drop;
            icmp type destination-unreachable accept
            icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert, packet-too-big, destination-unreachable } accept
            udp sport 67 udp dport 68 accept
            udp sport 547 udp dport 546 accept
          }
        }

        """)
  }
}
