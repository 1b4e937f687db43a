// Which NICs the operating system configures: those of the management network, for ever. NICs that are plugged in later
// belong to load balancers, and networkd must not touch them (contract image §8 item 4).

import Addresses
import Files
import Glibc

/// The files of systemd-networkd below a root.
struct ManagementNetwork: Sendable {
  let root: RootFolder
  /// Until when a NIC may still appear.
  let deadline: ContinuousClock.Instant

  /// Writes the files that are missing or different.
  ///
  /// - Parameters:
  ///   - plans: what the drive says; empty when it says nothing.
  ///   - isNew: whether this is the instance's first boot. Afterwards only NICs that were configured then count: a drive
  ///     that the cloud has made anew, as after a migration, also names the load balancers' NICs.
  func apply(_ plans: [NICPlan], isNew: Bool, report: inout BootReport) {
    let known = FileRead.names(in: root.path(NICPlan.folder)).filter(NICPlan.isOurs)
    var wanted = plans
    if !isNew, !known.isEmpty {
      wanted = plans.filter { known.contains($0.fileName) }
    } else if plans.isEmpty, known.isEmpty || isNew {
      wanted = automatic(&report)
    }
    for plan in wanted {
      let path = "\(NICPlan.folder)/\(plan.fileName)"
      if report.attempt({ try root.update(plan.file, at: path) }) == true {
        report.note("network of \(plan.mac) written")
      }
    }
    // Those of an instance whose disk this one was made from.
    guard isNew, !wanted.isEmpty else { return }
    for name in known where !wanted.contains(where: { $0.fileName == name }) {
      report.attempt { try DurableFile.remove(root.path("\(NICPlan.folder)/\(name)")) }
    }
  }

  /// DHCP for the NIC that is there at boot, when nothing else is known.
  private func automatic(_ report: inout BootReport) -> [NICPlan] {
    var nics = cards()
    while nics.isEmpty, ContinuousClock.now < deadline {
      usleep(50_000)
      nics = cards()
    }
    guard let first = nics.first else {
      report.problem("no network data, and no NIC that could ask for an address")
      return []
    }
    report.note("no network data: \(first) asks for an IPv4 address")
    if nics.count > 1 { report.note("\(nics.count) NICs are there; the others are left alone") }
    return [.automatic(first)]
  }

  /// The MACs of the machine's own Ethernet cards, in the kernel's order.
  private func cards() -> [MACAddress] {
    let folder = root.path("/sys/class/net")
    return FileRead.names(in: folder).compactMap { name -> (Int, MACAddress)? in
      func value(_ file: String) -> String {
        (FileRead.text("\(folder)/\(name)/\(file)") ?? "").filter { !$0.isWhitespace }
      }
      // 1 is ARPHRD_ETHER; loopback and tunnels have no device behind them.
      guard FileRead.exists("\(folder)/\(name)/device"), value("type") == "1",
        let mac = MACAddress(value("address"))
      else { return nil }
      return (Int(value("ifindex")) ?? .max, mac)
    }.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
