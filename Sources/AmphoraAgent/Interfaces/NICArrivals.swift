// NICs that come later than the boot looks for them: a cloud attaches them when it gets to it.

import Addresses
import Logging
import Netlink

extension InterfacePlugger {
  /// Waits until every listed NIC is in the root namespace or in the amphora's; returns the names of those that did not come.
  ///
  /// Lines of NICs that are gone for good stay in a list that upstream wrote, so the wait is bounded.
  package nonisolated func awaitListedNICs(atMost limit: Duration) async throws -> [InterfaceName] {
    let paths = paths
    return try await BlockingIO.run {
      let listed = PluggedInterfaces(path: paths.pluggedInterfaces).entries
      let inside = Set(try NetlinkSocket(in: paths.namespace).links().compactMap(\.macAddress))
      let root = try RootLinks(namespace: paths.rootNamespace, arrivalLimit: limit)
      let missing = try root.awaitAll(listed.map(\.mac).filter { !inside.contains($0) })
      return listed.filter { missing.contains($0.mac) }.map(\.name)
    }
  }

  /// Takes in listed NICs whenever they appear, until the task is cancelled.
  package func takeInLateNICs() async {
    let (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    do {
      let events = try paths.rootNamespace.map { try LinkEvents([.links], in: $0) } ?? LinkEvents([.links])
      BackgroundThread.detach(name: "nic-arrivals") {
        // Ends within a minute of the stream's end, or with the process.
        while true {
          guard let changed = try? events.wait(atMost: .seconds(60)) else { return continuation.finish() }
          if changed, case .terminated = continuation.yield() { return }
        }
      }
    } catch {
      logger.error("NICs that come late are not seen", metadata: ["error": "\(error)"])
      return
    }
    continuation.yield()
    for await _ in changes {
      // A plug request lists a NIC just before it moves it; after a second it is no longer in the root namespace.
      guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
      await takeInStrandedNICs()
    }
  }

  private func takeInStrandedNICs() async {
    do {
      let paths = paths
      let stranded = try await BlockingIO.run {
        let list = PluggedInterfaces(path: paths.pluggedInterfaces)
        let socket = try paths.rootNamespace.map { try NetlinkSocket(in: $0) } ?? NetlinkSocket()
        return try socket.links().compactMap { $0.macAddress.flatMap(list.name(of:)) }
      }
      guard !stranded.isEmpty else { return }
      let report = try await restoreAll()
      logger.notice("took in NICs that came late", metadata: ["interfaces": "\(report.moved)"])
    } catch {
      logger.error("NICs that came late were not taken in", metadata: ["error": "\(error)"])
    }
  }
}

extension RootLinks {
  /// Waits for NICs; returns those that did not come within the arrival limit.
  fileprivate func awaitAll(_ macs: [MACAddress]) throws -> Set<MACAddress> {
    var missing = Set(macs)
    _ = try events.wait(atMost: arrivalLimit) {
      missing.subtract(try socket.links().compactMap(\.macAddress))
      return missing.isEmpty ? true : nil
    }
    return missing
  }
}
