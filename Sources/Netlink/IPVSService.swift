// The virtual services of the kernel's load balancer with what they have carried. /proc/net/ip_vs has no traffic, and
// /proc/net/ip_vs_stats only its sum over all services, so this asks as ipvsadm does: the family IPVS of generic netlink
// (linux/ip_vs.h).

package import Addresses
import CNetlink
import Glibc

/// A virtual service and its totals since it was made.
package struct IPVSService: Hashable, Sendable {
  /// The IP protocol's number: 6 TCP, 17 UDP, 132 SCTP.
  package var transport: Int
  package var address: IPAddress
  package var port: UInt16
  package var connections: Int
  /// Bytes from clients.
  package var bytesIn: Int
  /// Bytes to clients.
  package var bytesOut: Int

  /// Makes a service.
  package init(transport: Int, address: IPAddress, port: UInt16, connections: Int, bytesIn: Int, bytesOut: Int) {
    self.transport = transport
    self.address = address
    self.port = port
    self.connections = connections
    self.bytesIn = bytesIn
    self.bytesOut = bytesOut
  }
}

extension IPVSService {
  /// Lists the services of the calling thread's namespace; none where the kernel's load balancer is not loaded.
  ///
  /// Same as `ipvsadm -Ln --stats --exact`.
  package static func list() throws(NetlinkError) -> [IPVSService] {
    let handle = try NetlinkHandle(NETLINK_GENERIC)
    let family: Int
    do throws(NetlinkError) {
      guard let found = try handle.payloads(.findIPVS, "find", "netlink family IPVS").lazy.compactMap(familyID).first
      else { return [] }
      family = found
    } catch {
      if error.errno == ENOENT { return [] }
      throw error
    }
    return try handle.payloads(.listIPVS(family: family), "list", "virtual services").compactMap(IPVSService.init)
  }

  /// The number under which a family is registered, from the answer to ``NetlinkRequest/findIPVS``.
  static func familyID(_ payload: [UInt8]) -> Int? {
    NetlinkAttributes(payload.dropFirst(headerSize)).number(CTRL_ATTR_FAMILY_ID).map { Int($0) }
  }

  /// Of `struct genlmsghdr`.
  private static let headerSize = 4

  /// Reads one message of a listing; nil for what has no address of its own (services of firewall marks).
  init?(payload: [UInt8]) {
    guard
      let service = NetlinkAttributes(payload.dropFirst(Self.headerSize)).nested(IPVS_CMD_ATTR_SERVICE),
      let transport = service.number(IPVS_SVC_ATTR_PROTOCOL), let family = service.number(IPVS_SVC_ATTR_AF),
      // A union of the size of an IPv6 address, and two bytes in network order.
      let union = service[IPVS_SVC_ATTR_ADDR], let port = service[IPVS_SVC_ATTR_PORT], port.count == 2,
      let address = IPAddress(bytes: family == UInt64(AF_INET) ? union.prefix(4) : union.prefix(16)),
      // The older one has 32 bits for connections; kernels since 4.1 send both.
      let totals = service.nested(IPVS_SVC_ATTR_STATS64) ?? service.nested(IPVS_SVC_ATTR_STATS)
    else { return nil }
    func total(_ type: Int) -> Int { Int(clamping: totals.number(type) ?? 0) }
    self.init(
      transport: Int(transport), address: address, port: port.reduce(0) { $0 << 8 | UInt16($1) },
      connections: total(IPVS_STATS_ATTR_CONNS), bytesIn: total(IPVS_STATS_ATTR_INBYTES),
      bytesOut: total(IPVS_STATS_ATTR_OUTBYTES))
  }
}

extension NetlinkRequest {
  /// Asks for the number of the family `IPVS`.
  static var findIPVS: NetlinkRequest {
    var request = NetlinkRequest(
      // GENL_ID_CTRL, a macro Swift does not see.
      0x10, header: genlmsghdr(cmd: UInt8(CTRL_CMD_GETFAMILY), version: 1, reserved: 0))
    request.append(CTRL_ATTR_FAMILY_NAME, "IPVS")
    return request
  }

  /// Asks for all services.
  static func listIPVS(family: Int) -> NetlinkRequest {
    NetlinkRequest(
      family, flags: Int32(NLM_F_ROOT | NLM_F_MATCH),
      header: genlmsghdr(cmd: UInt8(IPVS_CMD_GET_SERVICE), version: 1, reserved: 0))
  }
}
