// Starting a program that outlives the call: its own session, its output in a file, its end observed by a thread.

package import Files
package import Glibc
import Synchronization

/// A program started by this process.
///
/// A thread waits for it, because a child that nobody waits for stays as a zombie.
package final class ChildProcess: Sendable {
  package let pid: pid_t
  private struct State {
    var status: Int32?
    var waiters: [CheckedContinuation<Int32, Never>] = []
  }
  private let state = Mutex(State())

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - command: an absolute path and its arguments.
  ///   - environment: variables added to this process's own.
  ///   - output: a file that receives stdout and stderr; it is emptied first.
  package init(_ command: [String], environment: [String: String] = [:], output: String) throws(DurableFile.Failure) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o640)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // NIO's sockets are not close-on-exec: haproxy would keep the agent's port taken, and its connections open. Swift's
    // Glibc lacks …_addclosefrom_np; closing a number that is not open is no error, and the 64 beyond the highest one are
    // for files that other threads open meanwhile.
    let highest = FileRead.names(in: "/proc/self/fd").compactMap { Int32($0) }.max() ?? 255
    for descriptor in 3...max(3, highest) + 64 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A session of its own, so that Ctrl-C on the agent's terminal does not end the data plane; default signals, because
    // this process ignores SIGPIPE and blocks what its own shutdown listens for.
    var all = sigset_t()
    sigfillset(&all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) | 0x80 /* POSIX_SPAWN_SETSID */)

    var variables: [String] = []
    var cursor = environ
    while let entry = cursor.pointee {
      let variable = String(cString: entry)
      if !environment.keys.contains(where: { variable.hasPrefix($0 + "=") }) { variables.append(variable) }
      cursor += 1
    }
    variables += environment.map { "\($0)=\($1)" }
    var child: pid_t = 0
    let result = withCStrings(command) { arguments in
      withCStrings(variables) { posix_spawn(&child, command[0], &actions, &attributes, arguments, $0) }
    }
    guard result == 0 else { throw DurableFile.Failure(operation: "start", path: command[0], errno: result) }
    pid = child
    var thread = pthread_t()
    let box = Unmanaged.passRetained(self)
    let created = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<ChildProcess>.fromOpaque(argument).takeRetainedValue().waitForExit()
        return nil
      }, box.toOpaque())
    if created == 0 { pthread_detach(thread) } else { box.release() }
  }

  /// The exit status, or 128 plus the signal's number; nil while the program runs.
  package var status: Int32? { state.withLock { $0.status } }

  /// Waits for the program's end.
  package func exitStatus() async -> Int32 {
    await withCheckedContinuation { continuation in
      let status = state.withLock { state in
        if state.status == nil { state.waiters.append(continuation) }
        return state.status
      }
      if let status { continuation.resume(returning: status) }
    }
  }

  private func waitForExit() {
    var raw: Int32 = 0
    while waitpid(pid, &raw, 0) == -1 && errno == EINTR {}
    let status = raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F)
    let waiters = state.withLock { state in
      state.status = status
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: status) }
  }
}

private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
  let copies = strings.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}
