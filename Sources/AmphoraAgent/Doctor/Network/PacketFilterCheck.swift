// The rules that interface files ask for: masquerading, and the firewall of SR-IOV ports.

import Addresses
import Glibc
import Netlink

/// Whether the packet filter of the namespace has the agent's rules.
struct PacketFilterCheck: DoctorCheck {
  let name = "packet-filter"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    guard let view = await NetworkView.read(amphora) else { return [] }
    let faults: PacketFilterFaults
    do { faults = try await PacketFilterFaults(view, amphora.interfaces) } catch { return blind(error) }
    guard let interface = faults.interface else { return faults.isNeeded ? [.pass(name, "the rules are loaded")] : [] }
    let remedy = amphora.upCommand(interface)
    let evidence = [faults.firewall, faults.masquerade].compactMap { $0 }.joined(separator: "; ")
    // Only UDP and SCTP listeners need masquerading.
    let isDown = faults.firewall != nil || !LVSStore(paths: amphora.paths).ids().isEmpty
    return [isDown ? .failure(name, evidence, remedy: remedy) : .warning(name, evidence, remedy: remedy)]
  }
}

/// What is missing of the rules.
struct PacketFilterFaults {
  /// Whether any interface asks for rules.
  private(set) var isNeeded = false
  /// An interface whose bring-up loads what is missing; nil when nothing is.
  private(set) var interface: InterfaceName?
  private(set) var firewall: String?
  private(set) var masquerade: String?

  /// Looks; throws when the kernel does not say.
  init(_ view: NetworkView, _ paths: InterfacePaths) async throws {
    let up = view.interfaces.filter { $0.link?.isUp == true }.map(\.file)
    let guarded = view.interfaces.map(\.file).first { $0.isSRIOV }
    var rules = MasqueradeRules()
    // Without nft nothing can be loaded; the bring-up says so.
    if access(paths.nft, X_OK) == 0 { for file in up { rules.include(file.upScripts) } }
    isNeeded = guarded != nil || !rules.isEmpty
    guard isNeeded else { return }
    let chains = try await paths.namespace.run { try PacketFilterChain.list() }
    if let guarded { judge(chains, guarded, paths.firewall) }
    judge(chains, rules, up)
  }

  private mutating func judge(_ chains: [PacketFilterChain], _ file: InterfaceFile, _ filter: VIPFirewall) {
    let table = "table inet \(VIPFirewall.table)"
    let own = chains.filter { $0.family == .inet && $0.table == VIPFirewall.table }
    let input = own.first { $0.name == VIPFirewall.inputChain }
    // The jump to it counts, too.
    let loaded = own.first { $0.name == VIPFirewall.ruleChain }.map { $0.references - 1 } ?? 0
    if input?.dropsTheRest != true || input?.references == 0 {
      firewall = "\(file.name) is an SR-IOV port and lets everything in: \(table) is not loaded"
    } else if let stored = filter.storedRuleCount, stored != loaded {
      firewall = "\(file.name): \(table) has \(loaded) of the \(stored) rules in \(filter.file)"
    } else {
      return
    }
    interface = file.name
  }

  private mutating func judge(_ chains: [PacketFilterChain], _ rules: MasqueradeRules, _ up: [InterfaceFile]) {
    var missing: [String] = []
    for (family, sizes) in rules.chainSizes {
      let (tableFamily, number): (PacketFilterChain.Family, _) = family == .v4 ? (.ip, "4") : (.ip6, "6")
      let table = "octavia-ipv\(number)"
      let own = chains.filter { $0.family == tableFamily && $0.table == table }
      // Rules of a link that went down stay, hence "less than".
      if sizes.contains(where: { name, size in (own.first { $0.name == name }?.references ?? 0) < size }) {
        missing.append("table \(family == .v4 ? "ip" : "ip6") \(table)")
      }
    }
    guard !missing.isEmpty else { return }
    masquerade =
      "rules are missing in \(missing.sorted().joined(separator: " and ")): answers of UDP and SCTP members "
      + "do not come back"
    interface = interface ?? up.first { !$0.upScripts.isEmpty }?.name
  }
}
