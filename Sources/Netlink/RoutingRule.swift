// Policy routing rules: which table serves packets of a source.

package import Addresses
import CNetlink
import Glibc

/// A policy routing rule.
package struct RoutingRule: Hashable, Sendable, CustomStringConvertible {
  /// The IP version it is about.
  package var family: IPAddress.Family
  /// The packets it is about; nil for all.
  package var source: CIDR?
  /// The table to look in.
  package var table: RoutingTable
  /// Rules are asked in ascending order.
  package var priority: UInt32
  /// Who made it.
  package var `protocol`: RouteProtocol
  /// What to do with a match (`FR_ACT_*` of linux/fib_rules.h).
  package var action: Action
  /// It also selects by destination, interface or mark, which is not kept: leave such a rule alone.
  package let hasOtherSelectors: Bool

  /// `FR_ACT_*` of linux/fib_rules.h.
  package struct Action: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// Look into the table.
    package static let lookup = Action(rawValue: 1)
  }

  /// The agent's priority (contract networking §3.4).
  package static let defaultPriority: UInt32 = 32000

  /// A rule as the agent makes them: `from SOURCE lookup TABLE`.
  package init(from source: CIDR, lookup table: RoutingTable, priority: UInt32 = defaultPriority) {
    self.init(
      family: source.address.family, source: source.network, table: table, priority: priority, protocol: .unspecified,
      action: .lookup, hasOtherSelectors: false)
  }

  private init(
    family: IPAddress.Family, source: CIDR?, table: RoutingTable, priority: UInt32, protocol: RouteProtocol,
    action: Action, hasOtherSelectors: Bool
  ) {
    self.family = family
    self.source = source
    self.table = table
    self.priority = priority
    self.protocol = `protocol`
    self.action = action
    self.hasOtherSelectors = hasOtherSelectors
  }

  /// `32000: from 203.0.113.2/32 lookup 1`, as `ip rule` prints it.
  package var description: String {
    "\(priority): from \(source.map(\.description) ?? "all") lookup \(table.rawValue)"
  }
}

extension NetlinkSocket {
  /// The rules of both IP versions; those of multicast routing are left out.
  ///
  /// Same as `ip rule` and `ip -6 rule`.
  package func rules() throws(NetlinkError) -> [RoutingRule] {
    try dump(RTM_GETRULE, "rules", RoutingRule.init)
  }

  /// Adds a rule; EEXIST when there is an equal one.
  ///
  /// Same as `ip rule add`.
  package func add(_ rule: RoutingRule) throws(NetlinkError) {
    try send(.newRule(rule), "add rule", rule)
  }

  /// Deletes the rule that is equal in everything.
  ///
  /// Same as `ip rule delete`. ``NetlinkError/isNotFound`` when there is none. The protocol
  /// ``RouteProtocol/unspecified`` stands for any, which the kernel leaves no way around.
  package func delete(_ rule: RoutingRule) throws(NetlinkError) {
    try send(.deleteRule(rule), "delete rule", rule)
  }

  private func send(_ request: NetlinkRequest, _ operation: String, _ rule: RoutingRule) throws(NetlinkError) {
    if rule.hasOtherSelectors {
      throw NetlinkError(
        operation, rule.description, errno: EOPNOTSUPP, message: "rules with other selectors can only be listed")
    }
    try send(request, operation, rule.description)
  }
}

extension NetlinkRequest {
  static func newRule(_ rule: RoutingRule) -> NetlinkRequest {
    NetlinkRequest(RTM_NEWRULE, flags: Int32(NLM_F_CREATE | NLM_F_EXCL), rule)
  }

  static func deleteRule(_ rule: RoutingRule) -> NetlinkRequest {
    NetlinkRequest(RTM_DELRULE, flags: 0, rule)
  }

  private init(_ type: Int, flags: Int32, _ rule: RoutingRule) {
    let table = rule.table.rawValue
    var header = fib_rule_hdr()
    header.family = rule.family.number
    header.src_len = UInt8(rule.source?.prefixLength ?? 0)
    // 8 bits; the attribute below counts.
    header.table = table < 256 ? UInt8(table) : 0
    header.action = rule.action.rawValue
    self.init(type, flags: flags, header: header)
    if let source = rule.source, source.prefixLength > 0 { append(Int(FRA_SRC), source.address.bytes) }
    append(Int(FRA_TABLE), table)
    append(Int(FRA_PRIORITY), rule.priority)
    if rule.protocol != .unspecified { append(Int(FRA_PROTOCOL), rule.protocol.rawValue) }
  }
}

extension RoutingRule {
  /// Copies libnl's rule; nil for families that are not IP (128 and 129 are multicast routing).
  init?(_ rule: OpaquePointer) {
    guard let family = IPAddress.Family(number: rtnl_rule_get_family(rule)) else { return nil }
    var number: UInt8 = 0
    let known = rtnl_rule_get_protocol(rule, &number) == 0
    self.init(
      family: family, source: rtnl_rule_get_src(rule).flatMap { NetlinkAddress.network($0, family) },
      table: RoutingTable(rawValue: rtnl_rule_get_table(rule)), priority: rtnl_rule_get_prio(rule),
      protocol: RouteProtocol(rawValue: known ? number : 0), action: Action(rawValue: rtnl_rule_get_action(rule)),
      hasOtherSelectors: rtnl_rule_get_dst(rule) != nil || rtnl_rule_get_iif(rule) != nil
        || rtnl_rule_get_oif(rule) != nil || rtnl_rule_get_mark(rule) != 0)
  }
}
