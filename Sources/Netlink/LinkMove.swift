// Handing a link to another namespace under a new name, all or nothing.

import CNetlink
import Glibc

extension NetlinkSocket {
  /// Moves the link into a namespace and renames it, in one request.
  ///
  /// It arrives down and without addresses; MAC address and MTU stay. Same as `ip link set LINK netns NAMESPACE name
  /// NAME`.
  ///
  /// EEXIST when the name is taken there: the link then is where and what it was.
  package func move(_ link: Link, into namespace: NetworkNamespace, as name: String) throws {
    try Self.check(name, "move as")
    let destination = try NetlinkSocket(in: namespace)
    if try destination.link(named: name) != nil { throw Self.taken(name, link, namespace) }
    try moveUnchecked(link, into: namespace, destination, as: name)
  }

  /// The move for the case that the name was free a moment ago.
  ///
  /// Linux moves first and renames then (6.18, net/core/rtnetlink.c do_setlink), so a name taken in between gives EEXIST
  /// with the link already gone, still under its old name. It is then sent back.
  func moveUnchecked(
    _ link: Link, into namespace: NetworkNamespace, _ destination: NetlinkSocket, as name: String
  ) throws {
    do {
      try namespace.withDescriptor { descriptor in
        try send(.moveLink(link.index, into: descriptor, as: name), "move to \(namespace) as \(name)", link.description)
      }
    } catch let error as NetlinkError where error.isExists {
      if try self.link(index: link.index)?.name != link.name, let strayed = try destination.link(named: link.name),
        strayed.macAddress == link.macAddress
      {
        try withNamespaceDescriptor { (descriptor) throws(NetlinkError) in
          try destination.send(.moveLink(strayed.index, into: descriptor, as: link.name), "move back", link.description)
        }
      }
      throw error
    }
  }

  private static func taken(_ name: String, _ link: Link, _ namespace: NetworkNamespace) -> NetlinkError {
    NetlinkError("move to \(namespace) as \(name)", link.description, errno: EEXIST, message: "the name is taken there")
  }
}

extension NetlinkRequest {
  static func moveLink(_ index: Int32, into namespace: Int32, as name: String) -> NetlinkRequest {
    var request = NetlinkRequest.link(index)
    request.append(IFLA_NET_NS_FD, namespace)
    request.append(IFLA_IFNAME, name)
    return request
  }
}
