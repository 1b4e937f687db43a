// The namespace where NICs appear, and finding one that is about to.

import Addresses
import Glibc
import Netlink

/// The links of the root namespace.
///
/// Both sockets are opened where the agent runs: the flow that uses them is inside the other namespace, and a socket stays
/// in the namespace it was opened in.
struct RootLinks: Sendable {
  let socket: NetlinkSocket
  let events: LinkEvents
  let arrivalLimit: Duration

  init(namespace: NetworkNamespace?, arrivalLimit: Duration) throws {
    // Events first: a NIC that comes between them and a look is not missed.
    if let namespace {
      events = try LinkEvents([.links], in: namespace)
      socket = try NetlinkSocket(in: namespace)
    } else {
      events = try LinkEvents([.links])
      socket = try NetlinkSocket()
    }
    self.arrivalLimit = arrivalLimit
  }

  /// The NIC with this address.
  ///
  /// One that is missing is looked for on the PCI bus and waited for a moment (N8).
  func find(_ mac: MACAddress, rescan: String) throws -> Link {
    if let link = try socket.link(mac: mac) { return link }
    Self.rescanPCI(rescan)
    guard let link = try events.wait(atMost: arrivalLimit, until: { try socket.link(mac: mac) }) else {
      throw PlugError.noSuitableInterface("\(mac)")
    }
    return link
  }

  /// Asks the kernel to look for new devices.
  ///
  /// Where there is no PCI bus there is no file.
  private static func rescanPCI(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = write(file, "1", 1)
    close(file)
  }
}
