// What a boot does with the namespace: the state on disk becomes the kernel's again (contract networking §1.5).

import Addresses
import Files
import Netlink

/// What a restore came to.
package struct RestoreReport: Sendable {
  /// Something that did not come back.
  package struct Failure: Sendable {
    /// The interface, or the file's stem when the file cannot be read.
    package let interface: String
    /// Why.
    package let reason: String
  }

  /// NICs that were moved into the namespace.
  package internal(set) var moved: [InterfaceName] = []
  /// Interfaces that are as their files say now.
  package internal(set) var up: [InterfaceName] = []
  /// What did not come back; the rest did.
  package internal(set) var failures: [Failure] = []
  /// What came back in part.
  package internal(set) var warnings: [String] = []
}

extension PlugFlow {
  /// In this order: loopback file, NICs, interfaces.
  func restoreAll() throws -> RestoreReport {
    var report = RestoreReport()
    try DurableFile.removeLeftovers(in: paths.interfaces)
    try store.storeLoopback()
    try moveListed(&report)
    let contents = store.loadAll()
    for unreadable in contents.unreadable {
      report.failures.append(.init(interface: unreadable.stem, reason: "\(unreadable)"))
    }
    for file in contents.ordered {
      try configurator.onStep("restore \(file.name)")
      do {
        let outcome = try configurator.up(file)
        report.up.append(file.name)
        report.warnings += outcome.warnings.map { "\(file.name): \($0)" }
      } catch let error as InterfaceError {
        report.failures.append(.init(interface: file.name.text, reason: "\(error)"))
      }
    }
    return report
  }

  /// Moves the NICs of the list that are in the root namespace.
  func moveListed(_ report: inout RestoreReport) throws {
    let outside = try root.socket.links()
    let inside = try NetlinkSocket().links()
    let present = Set((inside + outside).compactMap(\.macAddress))
    let list = PluggedInterfaces(path: paths.pluggedInterfaces, present: present)
    for link in outside {
      guard let mac = link.macAddress, let name = list.name(of: mac) else { continue }
      try configurator.onStep("move \(name)")
      do {
        try root.socket.move(link, into: paths.namespace, as: name.text)
        report.moved.append(name)
      } catch let error as NetlinkError {
        report.failures.append(.init(interface: name.text, reason: "\(error)"))
      }
    }
  }
}
