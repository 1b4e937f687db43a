// Real namespaces for the kernel tests: one where NICs appear, one they are plugged into, one at the other end of the
// wires. Nothing touches the namespace the tests run in.

import Addresses
import AmphoraProtocol
import Files
import Glibc
import Logging
import Netlink
import Testing
import TestSupport

@testable import AmphoraAgent

/// An amphora's network, as far as interfaces are concerned.
final class InterfaceLab: Sendable {
  /// Whether namespaces can be made here.
  static let isPossible = geteuid() == 0
  static let why: Comment = "needs root, to make network namespaces"

  /// Where NICs appear.
  let root: NetworkNamespace
  /// What the agent plugs into; made by the agent.
  let inside: NetworkNamespace
  /// Where the other ends of the wires are.
  let wire: NetworkNamespace
  let folder: ScratchFolder
  let paths: InterfacePaths

  init() throws {
    // Process, and a number of its own: tests run side by side.
    let stem = "amt-\(getpid())-\(UInt32.random(in: 0..<0xFFFFFF))"
    root = try #require(NetworkNamespace("\(stem)-root"))
    inside = try #require(NetworkNamespace("\(stem)-in"))
    wire = try #require(NetworkNamespace("\(stem)-wire"))
    folder = try ScratchFolder()
    try root.create()
    try wire.create()
    var paths = try #require(InterfacePaths(namespaceNamed: inside.name))
    paths.rootNamespace = root
    paths.interfaces = "\(folder.path)/interfaces"
    paths.pluggedInterfaces = "\(folder.path)/plugged_interfaces"
    paths.firewallRules = "\(folder.path)/nftables-vip.rules"
    paths.pciRescan = "\(folder.path)/rescan"
    paths.dhclient = "\(folder.path)/dhclient"
    paths.dhclientLeases = "\(folder.path)/leases"
    paths.dhclientPIDs = folder.path
    self.paths = paths
  }

  /// Waits until somebody listens for changes of links where NICs appear.
  func awaitListener() async throws {
    try await poll("a socket that listens for changes of links") {
      // proc_net: sk Eth Pid Groups …; protocol 0 is rtnetlink, group 1 (bit 0) the links.
      let sockets = try root.runBlocking { FileRead.text("/proc/thread-self/net/netlink") ?? "" }
      return sockets.split(separator: "\n").dropFirst().contains { line in
        let fields = line.split(separator: " ")
        return fields.count > 3 && fields[1] == "0" && UInt32(fields[3], radix: 16).map { $0 & 1 == 1 } == true
      }
    }
  }

  deinit { for namespace in [root, inside, wire] { try? namespace.delete(ifExists: true) } }

  /// Makes a NIC appear, with a wire whose other end is up.
  @discardableResult
  func addNIC(_ name: String, _ mac: String, in namespace: NetworkNamespace? = nil) throws -> MACAddress {
    let mac = try #require(MACAddress(mac))
    let socket = try NetlinkSocket(in: wire)
    // The end of the MAC address, and a number, because the wire of a NIC that went with its namespace takes a moment.
    let far = "w\(String(mac.description.suffix(2)))-\(UInt32.random(in: 0..<0xFFFFFF))"
    try socket.createVeth(VethEnd(far), peer: VethEnd(name, macAddress: mac, namespace: namespace ?? root))
    try socket.setUp(try #require(try socket.link(named: far)))
    return mac
  }

  func configurator(_ change: (inout InterfaceConfigurator) -> Void = { _ in }) -> InterfaceConfigurator {
    var configurator = InterfaceConfigurator(paths: paths)
    change(&configurator)
    return configurator
  }

  func plugger(
    arrivalLimit: Duration = .milliseconds(50), onStep: @escaping InterfaceConfigurator.StepHook = { _ in }
  ) -> InterfacePlugger {
    InterfacePlugger(
      configurator: configurator { $0.onStep = onStep },
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      arrivalLimit: arrivalLimit)
  }

  /// Runs a program in the amphora's namespace and returns its lines, sorted, without trailing blanks.
  @discardableResult
  func run(_ program: String, _ arguments: String...) throws -> [String] {
    try inside.runBlocking {
      try NamespaceProcess.run(program, arguments, within: .seconds(10)).split(separator: "\n")
        .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }.sorted()
    }
  }

  func ip(_ arguments: String) throws -> [String] {
    let words = arguments.split(separator: " ").map(String.init)
    return try inside.runBlocking {
      try NamespaceProcess.run("/sbin/ip", words, within: .seconds(10)).split(separator: "\n")
        .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }.sorted()
    }
  }

  /// The routes of a table, without the kernel's link-local and multicast ones.
  func routes(_ family: String, table: String = "main") throws -> [String] {
    // ip fails for a table that has no routes.
    if table != "main", try !ip("\(family) route show table all").contains(where: { $0.contains("table \(table)") }) {
      return []
    }
    return try ip("\(family) route show table \(table)")
      .filter { !$0.hasPrefix("fe80::") && !$0.hasPrefix("ff00::") && !$0.hasPrefix("multicast") }
      // ip names the preference of IPv6 routes, which nobody set.
      .map { $0.hasSuffix(" pref medium") ? String($0.dropLast(12)) : $0 }
  }

  /// `ADDRESS/LENGTH` of a link, without link-local ones.
  func addresses(_ name: String) throws -> [String] {
    try inside.runBlocking { [inside] in
      _ = inside
      let socket = try NetlinkSocket()
      guard let link = try socket.link(named: name) else { return [] }
      return try socket.addresses(on: link).filter { !$0.address.isLinkLocal }.map(\.cidr.description).sorted()
    }
  }

  /// The rules that look into table 1.
  func rules(_ family: String) throws -> [String] { try ip("\(family) rule show").filter { $0.contains("lookup 1") } }

  /// What the agent can see and change in its namespace, as texts to compare.
  ///
  /// Left out is what the kernel does on its own time: link-local addresses and routes, the table of local addresses,
  /// the carrier.
  func snapshot() throws -> [String] {
    let socket = try NetlinkSocket(in: inside)
    let links = try socket.links()
    let name = { (index: Int32) in links.first { $0.index == index }?.name ?? "-" }
    let addresses = try socket.addresses().filter { !$0.address.isLinkLocal }
      .map { "\(name($0.linkIndex)) \($0.cidr) \($0.isPermanent)" }
    let routes = try socket.routes()
      .filter { $0.table != .local && !$0.destination.address.isLinkLocal && $0.destination.address.bytes[0] != 0xFF }
      .map {
        let on = name($0.linkIndex)
        return "\($0) (\(on)) \($0.protocol.rawValue) \($0.scope.rawValue) \($0.metric) \($0.isOnLink)"
      }
    let rules = try socket.rules().map { "\($0.family) \($0) \($0.protocol.rawValue)" }
    return links.map { "\($0.name) \($0.isUp) \($0.mtu)" } + addresses.sorted() + routes.sorted() + rules.sorted()
  }
}
