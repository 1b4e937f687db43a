// An amphora with an SR-IOV VIP port, and two hosts on the VIP network.

import Addresses
import AmphoraProtocol
import FoundationEssentials
import Netlink
import Testing

@testable import AmphoraAgent

/// A lab whose eth1 is an SR-IOV port with a VIP of each IP version.
final class FirewallLab: Sendable {
  static let vip = "203.0.113.2"
  static let vip6 = "2001:db8::2"
  /// The hosts.
  static let (first, second) = ("203.0.113.100", "203.0.113.101")
  static let (first6, second6) = ("2001:db8::64", "2001:db8::65")

  let lab: InterfaceLab
  let paths: InterfacePaths
  let file: InterfaceFile

  init() throws {
    lab = try InterfaceLab()
    paths = lab.paths
    var body = Example.bodyD
    body.isSRIOV = true
    file = try Example.file(Self.vip, body, .single)
    try lab.inside.create()
    try lab.addNIC("eth1", Example.mac, in: lab.inside)
    try ip("link set lo up", in: lab.inside)
    let far = try #require(try NetlinkSocket(in: lab.wire).links().first { $0.name.hasPrefix("w") }).name
    for address in ["\(Self.first)/24", "\(Self.second)/24", "\(Self.first6)/64", "\(Self.second6)/64"] {
      try ip("address add \(address) dev \(far)\(address.contains(":") ? " nodad" : "")", in: lab.wire)
    }
    try paths.store.store(file)
  }

  func ip(_ arguments: String, in namespace: NetworkNamespace) throws {
    let words = arguments.split(separator: " ").map(String.init)
    _ = try namespace.runBlocking { try NamespaceProcess.run("/sbin/ip", words, within: .seconds(10)) }
  }

  /// Brings eth1 up; returns the steps.
  @discardableResult
  func up(_ file: InterfaceFile? = nil) throws -> InterfaceConfigurator.Outcome {
    let (paths, file) = (paths, file ?? self.file)
    return try lab.inside.runBlocking { try InterfaceConfigurator(paths: paths).up(file) }
  }

  func allow(_ rules: [VIPRule]) throws {
    let firewall = paths.firewall
    try lab.inside.runBlocking { try firewall.allow(rules) }
  }

  /// A rule from a controller's element.
  static func rule(_ json: String) throws -> VIPRule { try JSONDecoder().decode(VIPRule.self, from: Data(json.utf8)) }

  /// The ruleset as nft lists it.
  func listing() throws -> String {
    try lab.inside.runBlocking { try NamespaceProcess.run("/usr/sbin/nft", ["list", "ruleset"], within: .seconds(5)) }
  }

  /// A socket in the amphora.
  func inside(_ kind: LabSocket.Kind, _ address: String = vip, _ port: UInt16 = 0) throws -> LabSocket {
    try LabSocket(kind, at: address, port: port, in: lab.inside)
  }

  /// A socket on one of the hosts.
  func outside(_ kind: LabSocket.Kind, _ address: String = first, _ port: UInt16 = 0) throws -> LabSocket {
    try LabSocket(kind, at: address, port: port, in: lab.wire)
  }
}
