// The packet filter rules that upstream's masquerade script makes, as one nft transaction for all interfaces together.

import Addresses

/// Who is masqueraded in the namespace.
///
/// It renders to a transaction that leads to the same ruleset from any former one, so repeating it changes nothing
/// (contract networking §10 N9).
package struct MasqueradeRules: Hashable, Sendable {
  private var interfaces: [IPAddress.Family: [InterfaceName: Bool]] = [:]

  /// Makes rules for no interface.
  package init() {}

  /// Adds what `add` commands among an interface's scripts ask for.
  package mutating func include(_ scripts: [String]) {
    for command in scripts.lazy.compactMap({ MasqueradeCommand($0) }) where command.action == .add {
      interfaces[command.family, default: [:]][command.interface] = command.isSRIOV
    }
  }

  /// Whether no interface is masqueraded.
  package var isEmpty: Bool { interfaces.isEmpty }

  /// The input of `nft -f -`.
  ///
  /// A table is declared before it is deleted, since deleting an absent one fails; nft applies all of it at once, so that
  /// no packet sees the tables gone. Conntrack entries keep their translations: they do not live in the rules.
  package var transaction: String {
    [IPAddress.Family.v4, .v6].map(transaction).joined()
  }

  /// How many rules each chain has, by the table's IP version and the chain's name.
  ///
  /// What ``transaction`` makes, in the form in which the kernel lists it without nft.
  var chainSizes: [IPAddress.Family: [String: Int]] {
    interfaces.reduce(into: [:]) { sizes, entry in
      let (family, members) = entry
      let prefix = family == .v4 ? "ip" : "ip6"
      let names = ["\(prefix)-udp-masq", "\(prefix)-sctp-masq"] + (isGuarded ? [] : ["prerouting", "output"])
      sizes[family] = Dictionary(uniqueKeysWithValues: names.map { ($0, members.count) })
    }
  }

  /// Whether an SR-IOV port is among the interfaces.
  private var isGuarded: Bool { interfaces.values.contains { $0.values.contains(true) } }

  /// Whether what `nft -s list ruleset` printed already has exactly these rules.
  ///
  /// A release of nft that prints them otherwise makes this false, and the rules are loaded once more.
  func areThose(in listing: String) -> Bool {
    [IPAddress.Family.v4, .v6].allSatisfy { family in
      Self.lines(of: Self.table(family), in: listing)
        == Self.lines(of: Self.table(family), in: transaction(family))
        .map {
          $0.replacing("priority 100;", with: "priority srcnat;").replacing("priority -300;", with: "priority raw;")
        }
    }
  }

  private static func table(_ family: IPAddress.Family) -> String {
    family == .v4 ? "ip octavia-ipv4" : "ip6 octavia-ipv6"
  }

  /// The lines of a table's block, without indentation; none when the table is not there.
  private static func lines(of table: String, in text: String) -> [String] {
    var lines: [String] = []
    var isInside = false
    for line in text.split(separator: "\n") {
      if line == "table \(table) {" { isInside = true } else if line == "}" { isInside = false }
      let content = line.drop { $0 == " " || $0 == "\t" }
      if isInside, !content.isEmpty { lines.append(String(content)) }
    }
    return lines
  }

  private func transaction(_ family: IPAddress.Family) -> String {
    let table = Self.table(family)
    let prefix = family == .v4 ? "ip" : "ip6"
    let reset = "table \(table) {}\ndelete table \(table)\n"
    guard let members = interfaces[family], !members.isEmpty else { return reset }
    let all = members.keys.sorted()
    // Beside an SR-IOV port nobody's TCP goes untracked: the firewall lets in answers, from members on other ports too, as
    // packets of established connections, and drops what is untracked (contract networking §6).
    let untracked = isGuarded ? [] : all
    var chains = ["udp", "sctp"].map { transport in
      // Priority 100 is srcnat, -300 is raw; the numbers also work with nft releases that lack a name for a family.
      chain("\(prefix)-\(transport)-masq", "nat hook postrouting priority 100", all) {
        "oifname \"\($0)\" meta l4proto \(transport) masquerade"
      }
    }
    if !untracked.isEmpty {
      chains += [
        chain("prerouting", "filter hook prerouting priority -300", untracked) {
          "iifname \"\($0)\" meta l4proto tcp notrack"
        },
        chain("output", "filter hook output priority -300", untracked) {
          "oifname \"\($0)\" meta l4proto tcp notrack"
        },
      ]
    }
    return reset + "table \(table) {\n\(chains.joined())}\n"
  }

  private func chain(
    _ name: String, _ hook: String, _ members: [InterfaceName], rule: (InterfaceName) -> String
  ) -> String {
    "  chain \(name) {\n    type \(hook); policy accept;\n" + members.map { "    \(rule($0))\n" }.joined() + "  }\n"
  }
}
