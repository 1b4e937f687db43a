// The chains of the kernel's packet filter, as nft(8) lists them, without starting it (linux/netfilter/nf_tables.h).

import CNetlink
import Glibc

/// A chain of nf_tables.
package struct PacketFilterChain: Hashable, Sendable {
  /// Whose packets a table sees.
  package enum Family: UInt8, Hashable, Sendable {
    case inet = 1
    case ip = 2
    case ip6 = 10
  }

  package let family: Family
  package let table: String
  package let name: String
  /// Its rules, and rules elsewhere that lead to it.
  package let references: Int
  /// Whether what no rule takes is dropped; nil for a chain that is not attached to a hook.
  package let dropsTheRest: Bool?

  /// Makes a chain.
  package init(family: Family, table: String, name: String, references: Int, dropsTheRest: Bool?) {
    self.family = family
    self.table = table
    self.name = name
    self.references = references
    self.dropsTheRest = dropsTheRest
  }

  /// Lists the chains of the calling thread's namespace; none where the kernel has no nf_tables.
  ///
  /// Same as `nft list chains`; tables for bridges, ARP and devices are left out.
  package static func list() throws(NetlinkError) -> [PacketFilterChain] {
    let handle: NetlinkHandle
    do throws(NetlinkError) {
      handle = try NetlinkHandle(NETLINK_NETFILTER)
    } catch {
      // No netfilter at all.
      if error.errno == EPROTONOSUPPORT || error.errno == EOPNOTSUPP { return [] }
      throw error
    }
    do throws(NetlinkError) {
      return try handle.payloads(.listChains, "list", "packet filter chains").compactMap(PacketFilterChain.init)
    } catch {
      // No nf_tables.
      if error.errno == EINVAL || error.errno == EOPNOTSUPP { return [] }
      throw error
    }
  }

  /// Reads one message of a listing.
  init?(payload: [UInt8]) {
    guard let family = payload.first.flatMap(Family.init), payload.count >= MemoryLayout<nfgenmsg>.size else {
      return nil
    }
    let attributes = NetlinkAttributes(payload.dropFirst(MemoryLayout<nfgenmsg>.size))
    guard let table = attributes.text(Int(NFTA_CHAIN_TABLE.rawValue)),
      let name = attributes.text(Int(NFTA_CHAIN_NAME.rawValue))
    else { return nil }
    self.init(
      family: family, table: table, name: name,
      references: Int(clamping: attributes.bigEndian(Int(NFTA_CHAIN_USE.rawValue)) ?? 0),
      // NF_DROP is 0, NF_ACCEPT 1 (linux/netfilter.h).
      dropsTheRest: attributes.bigEndian(Int(NFTA_CHAIN_POLICY.rawValue)).map { $0 == 0 })
  }
}

extension NetlinkRequest {
  /// Asks for all chains of all families.
  static var listChains: NetlinkRequest {
    NetlinkRequest(
      Int(NFNL_SUBSYS_NFTABLES) << 8 | Int(NFT_MSG_GETCHAIN.rawValue), flags: Int32(NLM_F_ROOT | NLM_F_MATCH),
      header: nfgenmsg(nfgen_family: UInt8(AF_UNSPEC), version: 0, res_id: 0))
  }
}

extension NetlinkAttributes {
  /// A text without the zero byte at its end.
  fileprivate func text(_ type: Int) -> String? {
    self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// A number in network order, as all of netfilter's are.
  fileprivate func bigEndian(_ type: Int) -> UInt64? { self[type].map { $0.reduce(0) { $0 << 8 | UInt64($1) } } }
}
