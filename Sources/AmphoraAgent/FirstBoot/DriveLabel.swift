// The label of a file system, read from the device itself: udev's links by label may not be there yet that early.

import Glibc

/// A file system that a config drive comes on.
package enum DriveFormat: String, Hashable, Sendable {
  case iso9660
  case vfat
}

/// The label of a device.
package enum DriveLabel {
  /// Whether the device carries a config drive, and on which file system.
  ///
  /// Nova writes `config-2`; tools for vfat may store capital letters.
  package static func configDrive(on device: String) -> DriveFormat? {
    // O_NONBLOCK: a CD drive without a medium opens at once, and its reads fail.
    let descriptor = open(device, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let isOurs = { (label: String?) in label?.lowercased() == "config-2" }
    if isOurs(volume(read(descriptor, at: 16 * 2048, count: 72))) { return .iso9660 }
    let sector = read(descriptor, at: 0, count: 512)
    return isOurs(fat(sector, extended: 38)) || isOurs(fat(sector, extended: 66)) ? .vfat : nil
  }

  /// The volume identifier of a primary volume descriptor (ECMA-119 §8.4): type 1, `CD001`, and from byte 40 on 32 bytes.
  private static func volume(_ descriptor: [UInt8]) -> String? {
    guard descriptor.count == 72, descriptor[0] == 1, descriptor[1...5].elementsEqual("CD001".utf8) else { return nil }
    return text(descriptor[40..<72])
  }

  /// The label of a FAT boot sector: the extended boot signature 0x29, a serial of 4 bytes, and 11 bytes.
  ///
  /// - Parameter extended: where the signature is: byte 38 in FAT12 and FAT16, 66 in FAT32.
  private static func fat(_ sector: [UInt8], extended: Int) -> String? {
    guard sector.count == 512, sector[510] == 0x55, sector[511] == 0xAA, sector[extended] == 0x29 else { return nil }
    return text(sector[(extended + 5)..<(extended + 16)])
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String {
    var bytes = bytes
    while bytes.last == UInt8(ascii: " ") || bytes.last == 0 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func read(_ descriptor: CInt, at offset: Int, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = pread(descriptor, &bytes, count, offset)
    return Array(bytes.prefix(max(0, got)))
  }
}
