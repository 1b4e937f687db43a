// keepalived.conf (contract §7): which amphora of a pair has the virtual IP addresses.

import Addresses

/// The configuration of keepalived for VRRP on one amphora of a pair.
public struct KeepalivedVRRPConfiguration {
  /// The name of the file.
  public static let fileName = "keepalived.conf"

  private let document: LoadBalancerDocument
  private let host: Amphora
  private let hostPath: String
  private let address: AddressText
  private let interface: InterfaceName

  /// Renders the text for the amphora `host_amphora_id`; nil for a single amphora and for one that is not allocated.
  ///
  /// Fails with a ``DocumentError``.
  public static func render(_ document: LoadBalancerDocument) throws -> String? {
    try document.check()
    return try render(checked: document)
  }

  static func render(checked document: LoadBalancerDocument) throws -> String? {
    try KeepalivedVRRPConfiguration(document)?.text()
  }

  private init?(_ document: LoadBalancerDocument) throws {
    guard document.context.topology == .activeStandby else { return nil }
    let id = try required(document.context.hostAmphoraID, "context.host_amphora_id", for: "keepalived.conf")
    guard let index = document.context.amphorae.firstIndex(where: { $0.id == id }) else {
      throw DocumentError("context.host_amphora_id", "\(id) is not among the amphorae")
    }
    self.document = document
    host = document.context.amphorae[index]
    hostPath = "context.amphorae[\(index)]"
    guard host.status == .allocated else { return nil }
    address = try required(host.vrrpIP, "\(hostPath).vrrp_ip", for: "keepalived.conf")
    interface = try required(host.vrrpInterface, "\(hostPath).vrrp_interface", for: "keepalived.conf")
  }

  private func text() throws -> String {
    var text = ConfigurationText()
    writeCheckScript(to: &text)
    text.blank()
    try writeInstanceHead(to: &text)
    text.blank()
    try writePeers(to: &text)
    text.blank()
    writeBlock("virtual_ipaddress", vips.filter { isMain($0) }.map(\.ipAddress.rawValue), to: &text)
    text.blank()
    writeBlock("virtual_ipaddress_excluded", vips.filter { !isMain($0) }.map(\.ipAddress.rawValue), to: &text)
    text.blank()
    writeBlock("virtual_routes", try vips.flatMap(routes), to: &text)
    text.blank()
    let rules = vips.map { "from \($0.ipAddress)/\($0.ipAddress.family.bitWidth) table 1 priority 100" }
    writeBlock("virtual_rules", rules, to: &text)
    text.blank()
    writeBlock("track_script", ["check_script"], to: &text)
    // No line end after the last brace.
    return text.text + "}"
  }

  /// The main address, then the others sorted as text: `10.0.10.7` is before `10.0.9.9`.
  private var vips: [AdditionalVIP] {
    let balancer = document.loadBalancer
    return [AdditionalVIP(ipAddress: balancer.vipAddress, subnetID: balancer.vipSubnetID)]
      + balancer.additionalVIPs.enumerated().sorted {
        ($0.element.ipAddress.rawValue, $0.offset) < ($1.element.ipAddress.rawValue, $1.offset)
      }.map(\.element)
  }

  /// VRRP advertises addresses of one IP version; keepalived moves the others along.
  private func isMain(_ vip: AdditionalVIP) -> Bool { vip.ipAddress.family == address.family }

  private func writeCheckScript(to text: inout ConfigurationText) {
    let options = document.context.options
    text.line("vrrp_script check_script {")
    text.entry("script \(options.baseFolderPath)/vrrp/check_script.sh")
    text.entry("interval \(options.vrrpCheckInterval)")
    text.entry("fall \(options.vrrpFailCount)")
    text.entry("rise \(options.vrrpSuccessCount)")
    text.line("}")
  }

  private func writeInstanceHead(to text: inout ConfigurationText) throws {
    let options = document.context.options
    let group = try required(document.context.vrrpGroup, "context.vrrp_group", for: "keepalived.conf")
    text.line("vrrp_instance \(group.name) {")
    text.entry("interface \(interface)")
    text.entry("virtual_router_id \(try required(host.vrrpID, "\(hostPath).vrrp_id", for: "keepalived.conf"))")
    text.entry("priority \(try required(host.vrrpPriority, "\(hostPath).vrrp_priority", for: "keepalived.conf"))")
    text.entry("nopreempt")
    text.entry("accept")
    text.entry("garp_master_refresh \(options.vrrpGARPRefreshInterval)")
    text.entry("garp_master_refresh_repeat \(options.vrrpGARPRefreshCount)")
    text.entry("advert_int \(group.advertisementInterval)")
    let password = Escaping.html(group.authenticationPassword.rawValue)
    writeBlock(
      "authentication", ["auth_type \(group.authenticationType.rawValue)", "auth_pass \(password)"], to: &text)
  }

  private func writePeers(to text: inout ConfigurationText) throws {
    text.entry("unicast_src_ip \(address)")
    let peers = document.context.amphorae.filter { $0.status == .allocated }.compactMap(\.vrrpIP)
    writeBlock("unicast_peer", peers.filter { $0 != address }.map(\.rawValue), to: &text)
  }

  private func routes(for vip: AdditionalVIP) throws -> [String] {
    let id = try required(vip.subnetID, "the subnet of \(vip.ipAddress)", for: "keepalived.conf")
    let subnet = try required(
      document.context.subnets[id], "context.subnets[\(quoted(id))]", for: vip.ipAddress.rawValue)
    let link = "\(subnet.network) dev \(interface) src \(vip.ipAddress) scope link table 1"
    let gateway = subnet.gatewayIP.map { ["default via \($0) dev \(interface) onlink table 1"] } ?? []
    return [link] + gateway
      + subnet.hostRoutes.map { "\($0.destination) dev \(interface) gateway \($0.nexthop) onlink table 1" }
  }

  private func writeBlock(_ name: String, _ lines: [String], to text: inout ConfigurationText) {
    text.entry("\(name) {")
    for line in lines { text.line(line, indent: 8) }
    text.entry("}")
  }
}
