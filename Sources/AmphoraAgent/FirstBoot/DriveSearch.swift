// Finding the config drive among the disks, on whatever bus it is: virtio disk, or CD on virtio-scsi, IDE or SATA.

import Files
import Glibc

/// A device with a config drive.
package struct DriveDevice: Hashable, Sendable {
  package let path: String
  package let format: DriveFormat
}

/// A search among block devices.
package struct DriveSearch: Sendable {
  /// The folder of device files.
  let devices: String
  /// The folder with an entry for each block device.
  let blocks: String

  package init(devices: String = "/dev", blocks: String = "/sys/class/block") {
    self.devices = devices
    self.blocks = blocks
  }

  /// Devices on which no cloud puts a drive; asking a floppy takes seconds.
  private static let others = ["loop", "ram", "zram", "dm-", "md", "nbd", "fd", "mtdblock"]

  /// The first device with the label.
  package func find() -> DriveDevice? {
    // udev's links first, for they are exact; then the devices, which the kernel names before udev has run.
    let links = ["config-2", "CONFIG-2"].map { "\(devices)/disk/by-label/\($0)" }.filter(FileRead.exists)
    // In sysfs a slash of a name, as in `cciss/c0d0`, is an exclamation mark.
    let names = FileRead.names(in: blocks).filter { name in !Self.others.contains { name.hasPrefix($0) } }
      .map { name in "\(devices)/" + String(name.map { $0 == "!" ? "/" : $0 }) }
    for path in links + names {
      if let format = DriveLabel.configDrive(on: path) { return DriveDevice(path: path, format: format) }
    }
    return nil
  }

  /// Searches until there is one or the time is over; CDs appear some time after their controller.
  package func find(until deadline: ContinuousClock.Instant) -> DriveDevice? {
    while true {
      if let device = find() { return device }
      guard ContinuousClock.now < deadline else { return nil }
      usleep(50_000)
    }
  }
}
