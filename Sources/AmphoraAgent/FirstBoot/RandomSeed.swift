// Random bytes that the controller's cloud has drawn for this machine.

import Files
import Glibc

/// The seed of a drive.
enum RandomSeed {
  /// Mixes the seed into the kernel's pool.
  ///
  /// It is not credited as entropy: the drive stays, so each boot brings the same bytes, and who can read the drive
  /// knows them. The kernel has better sources (virtio-rng, the CPU's); mixing never makes these worse.
  static func stir(_ seed: [UInt8], root: RootFolder) throws(DurableFile.Failure) {
    if seed.isEmpty { return }
    let path = root.path("/dev/urandom")
    let device = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
    guard device >= 0 else {
      if errno == ENOENT { return }
      throw DurableFile.Failure(operation: "open", path: path, errno: errno)
    }
    defer { close(device) }
    guard write(device, seed, seed.count) == seed.count else {
      throw DurableFile.Failure(operation: "write", path: path, errno: errno)
    }
  }
}
