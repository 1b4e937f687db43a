// What the kernel says about a namespace's virtual services, at one moment.

import Files
package import Netlink

/// The kernel's table with the traffic of its services.
package struct IPVSSnapshot: Sendable {
  /// Services and their real servers.
  package var table: IPVSTable
  /// The services' totals; nil when they could not be read.
  package var totals: [IPVSService]?
  /// Why they could not.
  package var problem: String?

  /// Reads the kernel's state in a namespace; blocks for well below a millisecond.
  package static func read(_ namespace: NetworkNamespace) throws -> IPVSSnapshot {
    try namespace.runBlocking {
      let text: [UInt8]
      do throws(DurableFile.Failure) {
        // /proc/net would show the namespace of the process's first thread (contract services §8 item 20).
        text = try FileRead.bytes("/proc/thread-self/net/ip_vs")
      } catch {
        // The kernel's load balancer is not loaded, so there is nothing to ask for either.
        if error.isMissing { return IPVSSnapshot(table: IPVSTable(parsing: ""), totals: []) }
        throw error
      }
      var snapshot = IPVSSnapshot(table: IPVSTable(parsing: String(decoding: text, as: UTF8.self)))
      do throws(NetlinkError) { snapshot.totals = try IPVSService.list() } catch { snapshot.problem = "\(error)" }
      return snapshot
    }
  }
}
