// Listing, adding, replacing and deleting routes.

import Addresses
import CNetlink
import Glibc

extension NetlinkSocket {
  /// The routes of all tables and both IP versions, or those leaving through one link.
  ///
  /// Same as `ip route show table all` and `ip -6 route show table all`.
  package func routes(through link: Link? = nil) throws(NetlinkError) -> [Route] {
    try dump(RTM_GETROUTE, "routes", Route.init)
      .filter { link == nil || $0.linkIndex == link?.index }
  }

  /// Adds a route.
  ///
  /// Same as `ip route add`.
  ///
  /// EEXIST when one with the same destination, table and metric is there (IPv6: with the same link and gateway too);
  /// ``NetlinkError/isUnreachable`` when no network of the link holds the gateway; EINVAL when the preferred source is not
  /// an address of this host, or an IPv6 one that is still tentative.
  package func add(_ route: Route) throws(NetlinkError) {
    try send(.newRoute(route, flags: NLM_F_CREATE | NLM_F_EXCL), "add route", route)
  }

  /// Puts a route in the place of the one with the same destination, table and metric, whoever made that, or adds it.
  ///
  /// Same as `ip route replace`.
  package func replace(_ route: Route) throws(NetlinkError) {
    try send(.newRoute(route, flags: NLM_F_CREATE | NLM_F_REPLACE), "replace route", route)
  }

  /// Deletes the route that is equal in everything but ``Route/isOnLink``.
  ///
  /// Same as `ip route delete`.
  ///
  /// ``NetlinkError/isNotFound`` when there is none. A ``Route/metric`` of 0 stands for any of an IPv6 route.
  package func delete(_ route: Route) throws(NetlinkError) {
    try send(.deleteRoute(route), "delete route", route)
  }

  private func send(_ request: NetlinkRequest, _ operation: String, _ route: Route) throws(NetlinkError) {
    if route.isMultipath {
      throw NetlinkError(
        operation, route.description, errno: EOPNOTSUPP, message: "routes with several next hops can only be listed")
    }
    try send(request, operation, route.description)
  }
}

extension NetlinkRequest {
  static func newRoute(_ route: Route, flags: Int32) -> NetlinkRequest {
    NetlinkRequest(RTM_NEWROUTE, flags: flags, route)
  }

  static func deleteRoute(_ route: Route) -> NetlinkRequest {
    NetlinkRequest(RTM_DELROUTE, flags: 0, route)
  }

  private init(_ type: Int, flags: Int32, _ route: Route) {
    let table = route.table.rawValue
    self.init(
      type, flags: flags,
      header: rtmsg(
        rtm_family: route.destination.address.family.number, rtm_dst_len: UInt8(route.destination.prefixLength),
        rtm_src_len: 0, rtm_tos: 0,
        // The header's field has 8 bits; the attribute below counts.
        rtm_table: table < 256 ? UInt8(table) : UInt8(RT_TABLE_UNSPEC.rawValue), rtm_protocol: route.protocol.rawValue,
        rtm_scope: route.scope.rawValue, rtm_type: route.kind.rawValue,
        rtm_flags: route.isOnLink ? UInt32(RTNH_F_ONLINK) : 0))
    if route.destination.prefixLength > 0 { append(RTA_DST, route.destination.address.bytes) }
    append(RTA_TABLE, table)
    if route.linkIndex != 0 { append(RTA_OIF, route.linkIndex) }
    if let gateway = route.gateway { append(RTA_GATEWAY, gateway.bytes) }
    if let source = route.preferredSource { append(RTA_PREFSRC, source.bytes) }
    if route.metric != 0 { append(RTA_PRIORITY, route.metric) }
  }

  private mutating func append(_ type: rtattr_type_t, _ value: some Collection<UInt8>) {
    append(Int(type.rawValue), value)
  }

  private mutating func append(_ type: rtattr_type_t, _ value: some FixedWidthInteger & BitwiseCopyable) {
    append(Int(type.rawValue), value)
  }
}
