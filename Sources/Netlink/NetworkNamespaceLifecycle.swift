// Making and deleting namespaces, step by step as `ip netns add` and `ip netns delete` do.

import CNetlink
import Glibc

extension NetworkNamespace {
  /// Makes the namespace, with nothing in it but `lo`, which is down.
  ///
  /// Same as `ip netns add NAME`.
  ///
  /// With `ifMissing` an existing one is left as it is; otherwise it is an error (``NetworkNamespaceError/exists(_:)``).
  /// A handle that a crash left half made is completed.
  package func create(ifMissing: Bool = false) throws(NetworkNamespaceError) {
    // 0755 as ip(8). /run is volatile: the folder goes with each reboot.
    guard mkdir(Self.directory, 0o755) == 0 || errno == EEXIST else { throw failure("make folder for") }
    // Held to the end, so that two creators do not repair each other's work. ip(8) takes the same lock.
    let lock = open(Self.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0, flock(lock, LOCK_EX) == 0 else {
      let error = failure("lock folder of")
      if lock >= 0 { close(lock) }
      throw error
    }
    defer { close(lock) }
    try shareDirectory()
    guard try makeHandle(ifMissing: ifMissing) else { return }
    do {
      try bindNewNamespace()
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Deletes the namespace's name.
  ///
  /// The namespace itself goes when no process, socket or thread is in it any more.
  ///
  /// Same as `ip netns delete NAME`. A half-made handle is deleted too; a missing one is an error unless `ifExists`.
  package func delete(ifExists: Bool = false) throws(NetworkNamespaceError) {
    // More than one mount lies here if two programs made the namespace at the same moment.
    while umount2(path, Int32(MNT_DETACH)) == 0 {}
    // EINVAL: no mount point any more, the normal end; ENOENT is for unlink to report.
    guard errno == EINVAL || errno == ENOENT else { throw failure("unmount") }
    if unlink(path) == 0 { return }
    guard errno == ENOENT else { throw failure("delete") }
    if !ifExists { throw .missing(name) }
  }

  /// Makes mounts below the folder appear in other mount namespaces (services with private mounts), and disappear.
  private func shareDirectory() throws(NetworkNamespaceError) {
    if mount("", Self.directory, "none", UInt(MS_SHARED | MS_REC), nil) == 0 { return }
    // EINVAL: the folder is no mount point yet, and only those have a propagation type. So bind it on itself.
    guard errno == EINVAL,
      mount(Self.directory, Self.directory, "none", UInt(MS_BIND | MS_REC), nil) == 0,
      mount("", Self.directory, "none", UInt(MS_SHARED | MS_REC), nil) == 0
    else { throw failure("share folder of") }
  }

  /// Makes the empty handle file; false when the namespace exists and may.
  private func makeHandle(ifMissing: Bool) throws(NetworkNamespaceError) -> Bool {
    let file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0)
    if file >= 0 {
      close(file)
      return true
    }
    guard errno == EEXIST else { throw failure("make handle of") }
    // Either a creator died between making the file and mounting on it, or ip(8), which lets go of the lock early, is
    // about to mount. The latter takes microseconds; 100 ms tells the two apart.
    for _ in 0..<20 where !exists { usleep(5000) }
    guard exists else { return true }
    if !ifMissing { throw .exists(name) }
    return false
  }

  private func bindNewNamespace() throws(NetworkNamespaceError) {
    do {
      try NamespaceThread.runBlocking(name) {
        let error = amphora_unshare_network_namespace()
        guard error == 0 else { throw NetworkNamespaceError.failed("create", name, errno: error) }
        // thread-self: only this thread is in the new namespace.
        guard mount("/proc/thread-self/ns/net", path, "none", UInt(MS_BIND), nil) == 0 else {
          throw failure("mount handle of")
        }
      }
    } catch let error as NetworkNamespaceError {
      throw error
    } catch {
      throw .failed("create", name, errno: EIO)
    }
  }

  private func failure(_ operation: String) -> NetworkNamespaceError { .failed(operation, name, errno: errno) }
}
