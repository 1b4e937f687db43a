import Addresses
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct RoutingRuleTests {
    @Test func `a new namespace has the kernel's rules, and only IP's are listed`() throws {
      try Lab.run { lab throws in
        let rules = try lab.socket.rules()
        #expect(rules.filter { $0.family == .v4 }.map(\.priority).sorted() == [0, 32766, 32767])
        #expect(rules.filter { $0.family == .v6 }.map(\.priority).sorted() == [0, 32766])
        #expect(
          rules.allSatisfy {
            $0.source == nil && $0.protocol == .kernel && $0.action == .lookup && !$0.hasOtherSelectors
          })
        #expect(Set(rules.filter { $0.family == .v6 }.map(\.table)) == [.local, .main])
      }
    }

    @Test(arguments: [("203.0.113.2", 1), ("2001:db8::2", 1), ("203.0.113.0/24", 1000), ("2001:db8::/64", 1000)])
    func `a rule is added, listed and deleted`(source: String, table: UInt32) throws {
      try Lab.run { lab throws in
        let before = try lab.socket.rules()
        let rule = RoutingRule(from: network(source), lookup: RoutingTable(rawValue: table))
        try lab.socket.add(rule)
        #expect(Set(try lab.socket.rules()) == Set(before + [rule]))
        let family = rule.family == .v4 ? "-4" : "-6"
        let printed = try runIP("-n", lab.namespace.name, family, "rule")
        #expect(printed.contains("32000:\tfrom \(source) lookup \(table)"), "\(printed)")
        let error = try netlinkError { try lab.socket.add(rule) }
        #expect(error.isExists && error.description.contains("add rule 32000: from \(network(source)) lookup \(table)"))
        try lab.socket.delete(rule)
        #expect(Set(try lab.socket.rules()) == Set(before))
        #expect(try netlinkError { try lab.socket.delete(rule) }.isNotFound)
      }
    }

    @Test func `deleting one spares those with another priority, table, source or owner`() throws {
      try Lab.run { lab throws in
        let rule = RoutingRule(from: network("203.0.113.2"), lookup: 1)
        var others = [
          RoutingRule(from: network("203.0.113.3"), lookup: 1), RoutingRule(from: network("203.0.113.2"), lookup: 2),
        ]
        others.append(RoutingRule(from: network("203.0.113.2"), lookup: 1, priority: 100))
        others[2].protocol = .keepalived
        for rule in others + [rule] { try lab.socket.add(rule) }
        try lab.socket.delete(rule)
        #expect(Set(try lab.socket.rules().filter { $0.source != nil }) == Set(others))
        others[2].protocol = .kernel
        #expect(try netlinkError { try lab.socket.delete(others[2]) }.isNotFound)
      }
    }

    @Test func `rules that select by more than the source are marked`() throws {
      try Lab.run { lab throws in
        for more in [["fwmark", "7"], ["iif", "eth1"], ["oif", "eth1"], ["to", "192.0.2.0/24"]] {
          let name = lab.namespace.name
          try runIP(
            "-n", name, "rule", "add", "from", "203.0.113.2", more[0], more[1], "lookup", "1", "priority", "32000")
          let rule = try #require(try lab.socket.rules().first { $0.priority == 32000 })
          #expect(rule.hasOtherSelectors)
          #expect(try netlinkError { try lab.socket.delete(rule) }.description.contains("only be listed"))
          try runIP("-n", name, "rule", "del", "priority", "32000")
        }
      }
    }
  }
}
