// Addresses that the network hands out: DHCPv4 and IPv6 router advertisements.

import Glibc
import Netlink

/// Starts and stops what the file's automatic entries ask for.
///
/// Unlike upstream also on a link that is up (N15).
struct AutomaticConfiguration {
  let file: InterfaceFile
  let paths: InterfacePaths

  // 2, because forwarding is on in the namespace, and 1 means "unless forwarding".
  private static let acceptAlways = "2"

  /// Returns whether a setting was changed.
  func applyRouterAdvertisements() throws(InterfaceError) -> Bool {
    if file.wantsRouterAdvertisements {
      let accept = try set("accept_ra", Self.acceptAlways)
      return try set("autoconf", "1") || accept
    }
    // Switched off only where it was switched on: other values are the image's choice. A kernel without IPv6 has no key.
    guard (try? Sysctl.read(key("accept_ra"))) == Self.acceptAlways else { return false }
    return try disableRouterAdvertisements()
  }

  @discardableResult
  func disableRouterAdvertisements() throws(InterfaceError) -> Bool {
    let accept = try set("accept_ra", "0")
    return try set("autoconf", "0") || accept
  }

  /// Returns whether a client was started or stopped.
  func applyDHCP(_ warnings: inout [String]) throws(InterfaceError) -> Bool {
    let client = DHCPClient(interface: file.name, paths: paths)
    guard file.wantsDHCP != client.isRunning else { return false }
    if file.wantsDHCP {
      try client.start()
    } else {
      do throws(InterfaceError) { try client.stop() } catch { warnings.append("\(error)") }
    }
    return true
  }

  private func key(_ name: String) -> String { "net/ipv6/conf/\(file.name)/\(name)" }

  private func set(_ name: String, _ value: String) throws(InterfaceError) -> Bool {
    let key = key(name)
    return try askKernel { () throws(NetlinkError) in
      if try Sysctl.read(key) == value { return false }
      try Sysctl.write(key, value)
      return true
    }
  }
}
