// `amphora-agent init`: what cloud-init does for an amphora, without Python.

import Files
import Glibc

/// Sets a machine up from its config drive.
package struct FirstBoot: Sendable {
  private let root: RootFolder
  private let drive: String?
  private let user: String
  private let patience: Duration
  private let search: DriveSearch
  private let tell: @Sendable (String, Severity) -> Void

  /// - Parameters:
  ///   - root: the folder below which everything is written.
  ///   - drive: a mounted drive's folder, or a device; nil to search for the label `config-2`.
  ///   - user: whose authorized_keys get the instance's keys.
  ///   - patience: how long to wait for a drive, and for a NIC without one, when there is none at once.
  ///   - search: where drives are looked for.
  ///   - tell: told of each line of the report at once.
  package init(
    root: String = "/", drive: String? = nil, user: String = "debian", patience: Duration = .seconds(3),
    search: DriveSearch = DriveSearch(),
    tell: @escaping @Sendable (String, Severity) -> Void = { _, _ in }
  ) {
    self.root = RootFolder(root)
    self.drive = drive
    self.user = user
    self.patience = patience
    self.search = search
    self.tell = tell
  }

  /// The first stage, before the network: files, network, name, keys and time zone.
  package func writeFiles() async -> BootReport {
    // A stop of the process is a crash like another: tests end it at each change.
    await KillPoint.counting(.start) {
      umask(0o022)
      var report = BootReport(tell: tell)
      let deadline = ContinuousClock.now + patience
      let orders = readDrive(until: deadline, &report)
      apply(orders, until: deadline, &report)
      return report
    }
  }

  /// The second stage, with the agent running: the commands of runcmd, once for an instance.
  package func runCommands() async -> BootReport {
    var report = BootReport(tell: tell)
    let (files, done) = (InstanceRecord.files(root), InstanceRecord.commands(root))
    // The drive need not be read again at each boot.
    if let instance = files.instance, done.instance == instance { return report }
    // The first stage has waited for the drive, and told what is wrong with it.
    var known = BootReport()
    guard let orders = readDrive(until: .now, &known) else { return report }
    let instance = orders.metaData?.instance
    guard done.isNew(instance) else { return report }
    // Without the note one that reboots the machine would do so for ever.
    guard report.attempt({ try done.set(instance) }) != nil else { return report }
    BootCommands.run(orders.cloudConfig.commands, report: &report)
    return report
  }

  // MARK: Reading

  private func readDrive(until deadline: ContinuousClock.Instant, _ report: inout BootReport) -> BootOrders? {
    if let drive, FileRead.exists("\(drive)/.") {
      guard FileRead.exists("\(drive)/openstack/.") else {
        report.problem("\(drive) is no config drive: it has no folder openstack")
        return nil
      }
      return BootOrders(ConfigDrive(tree: drive), report: &report)
    }
    guard let device = device(until: deadline, &report) else { return nil }
    var read = BootReport()
    let orders = report.attempt {
      try DriveMount.with(device) { BootOrders(ConfigDrive(tree: $0), report: &read) }
    }
    report.note("config drive: \(device.path) (\(device.format.rawValue))")
    report.add(read)
    return orders
  }

  private func device(until deadline: ContinuousClock.Instant, _ report: inout BootReport) -> DriveDevice? {
    if let drive {
      if let format = DriveLabel.configDrive(on: drive) { return DriveDevice(path: drive, format: format) }
      report.problem("\(drive) is no config drive: it is neither a folder nor a device with the label config-2")
      return nil
    }
    let device = search.find(until: deadline)
    if device == nil { report.note("no config drive (label config-2): the host name stays") }
    return device
  }

  // MARK: Applying

  private func apply(_ orders: BootOrders?, until deadline: ContinuousClock.Instant, _ report: inout BootReport) {
    let record = InstanceRecord.files(root)
    let metaData = orders?.metaData
    let isNew = orders != nil && record.isNew(metaData?.instance)
    root.tidy(["/etc", NICPlan.folder, "/var/lib/amphora"], report: &report)
    var canBeRecorded = true
    if isNew, let orders { canBeRecorded = writeOnce(orders, &report) }
    ManagementNetwork(root: root, deadline: deadline).apply(orders?.nics ?? [], isNew: isNew, report: &report)
    report.attempt { try metaData?.hostname?.apply(to: root) }
    report.attempt { try RandomSeed.stir(metaData?.seed ?? [], root: root) }
    guard isNew, canBeRecorded else { return }
    // The last of all: a crash before it applies everything again.
    report.attempt { try record.set(metaData?.instance) }
  }

  /// What is done once for an instance.
  ///
  /// - Returns: false when a file of the agent could not be read or written. The amphora then never served, so that nothing is
  ///   lost when the next boot tries again; after any other failure it would put back what controllers have replaced.
  private func writeOnce(_ orders: BootOrders, _ report: inout BootReport) -> Bool {
    let accounts = Accounts(root: root)
    let files = (orders.metaData?.files ?? []) + orders.cloudConfig.files
    root.tidy(Set(files.map(\.path.folder)), report: &report)
    removeForeignHostKeys(&report)
    var isWhole = !orders.lacksAgentFile
    var written = 0
    for file in files {
      if report.attempt({ try root.write(file, accounts: accounts) }) != nil {
        written += 1
      } else if file.path.isAgents {
        isWhole = false
      }
    }
    report.note("\(written) of \(files.count) files written")
    let own = [(user: nil as String?, keys: orders.metaData?.keys ?? [])] + orders.cloudConfig.keys
    for (name, keys) in own where !keys.isEmpty {
      report.attempt { try AuthorizedKeys(root: root, user: name ?? user).add(keys) }
    }
    report.attempt { try orders.cloudConfig.timeZone?.apply(to: root) }
    return isWhole
  }

  /// Removes the ssh host keys of the instance whose disk this one was made from; new ones are made before sshd starts.
  private func removeForeignHostKeys(_ report: inout BootReport) {
    guard InstanceRecord.files(root).instance != nil else { return }
    let folder = root.path("/etc/ssh")
    for name in FileRead.names(in: folder) where name.hasPrefix("ssh_host_") {
      report.attempt { try DurableFile.remove("\(folder)/\(name)") }
    }
  }
}
