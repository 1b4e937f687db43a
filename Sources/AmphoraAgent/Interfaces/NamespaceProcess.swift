// Programs run inside a network namespace. A child belongs to the namespace of the thread that starts it, and libraries
// for processes start children on threads of their own; so this one starts it right here and waits here.

import Files
import Glibc

/// How a program ended that did not end well.
package enum ProcessFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// It could not be started.
  case notStarted(program: String, errno: CInt)
  /// It ended with a status other than 0, or by a signal (128 plus its number), after this output.
  case status(program: String, status: CInt, output: String)
  /// It had not ended when its time was over, and was killed.
  case timedOut(program: String, after: Duration, output: String)

  /// For logs: program, end and output.
  package var description: String {
    switch self {
    case .notStarted(let program, let errno): "\(program) could not be started: \(String(cString: strerror(errno)))"
    case .status(let program, let status, let output):
      output.isEmpty ? "\(program) ended with status \(status)" : "\(program) ended with status \(status): \(output)"
    case .timedOut(let program, let after, let output):
      output.isEmpty
        ? "\(program) did not end within \(after) and was killed"
        : "\(program) did not end within \(after) and was killed: \(output)"
    }
  }
}

/// Runs programs in the calling thread's namespace; blocks.
enum NamespaceProcess {
  /// Runs a program to its end and returns what it wrote to stdout and stderr, white space at the end removed.
  ///
  /// A program without `/` is looked up in `PATH`. Output past 64 KiB is read and dropped. A daemon that the program leaves behind is not waited for.
  @discardableResult
  static func run(
    _ program: String, _ arguments: [String], input: String = "", within limit: Duration
  ) throws(ProcessFailure) -> String {
    let deadline = ContinuousClock.now + limit
    let (child, socket) = try start(program, arguments, input)
    var output = ProcessOutput(takingOwnershipOf: socket)
    while true {
      // A wake-up each 20 ms at most finds the end of a program whose output a daemon of its holds open; all others are
      // found at once, when their output ends.
      output.read(atMost: min(.milliseconds(20), ContinuousClock.now.duration(to: deadline)))
      if let status = output.isClosed ? patientEnd(of: child, deadline) : end(of: child, block: false) {
        output.read(atMost: .zero)
        if status == 0 { return output.text }
        throw .status(program: program, status: status, output: output.text)
      }
      guard ContinuousClock.now < deadline else {
        // The group, because scripts start programs of their own.
        kill(-child, SIGKILL)
        _ = end(of: child, block: true)
        output.read(atMost: .zero)
        throw .timedOut(program: program, after: limit, output: output.text)
      }
    }
  }

  private static func start(
    _ program: String, _ arguments: [String], _ input: String
  ) throws(ProcessFailure) -> (pid_t, output: CInt) {
    let source = try openInput(program, input)
    defer { close(source) }
    var ends: [CInt] = [-1, -1]
    // A pair of sockets, because pipe2 is not in Swift's Glibc and pipe leaves the ends open in other children.
    guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw .notStarted(program: program, errno: errno)
    }
    defer { close(ends[1]) }
    do throws(ProcessFailure) {
      return (try spawn(program, arguments, input: source, output: ends[1]), ends[0])
    } catch {
      close(ends[0])
      throw error
    }
  }

  /// A descriptor to read the input from: an unlinked file, since nft opens /dev/stdin anew, which fails for sockets.
  private static func openInput(_ program: String, _ input: String) throws(ProcessFailure) -> CInt {
    if input.isEmpty {
      let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard null >= 0 else { throw .notStarted(program: program, errno: errno) }
      return null
    }
    let file: CInt
    do throws(DurableFile.Failure) {
      // /run is memory, and only root can write there.
      let (descriptor, path) = try DurableFile.openTemporary(in: "/run", for: "amphora-input")
      _ = changingFiles { unlink(path) }
      file = descriptor
    } catch {
      throw .notStarted(program: program, errno: error.errno)
    }
    let bytes = Array(input.utf8)
    guard write(file, bytes, bytes.count) == bytes.count, lseek(file, 0, SEEK_SET) == 0 else {
      let error = errno
      close(file)
      throw .notStarted(program: program, errno: error)
    }
    return file
  }

  /// The exit status, or 128 plus the signal's number; nil while the child runs.
  private static func end(of child: pid_t, block: Bool) -> CInt? {
    var raw: CInt = 0
    while true {
      let result = waitpid(child, &raw, block ? 0 : WNOHANG)
      if result == child { return raw & 0x7F == 0 ? (raw >> 8) & 0xFF : 128 + (raw & 0x7F) }
      if result == 0 { return nil }
      // ECHILD cannot be, unless the process ignores SIGCHLD; then the end is all there is to know.
      if errno != EINTR { return 0 }
    }
  }

  /// After its output has closed a child is about to end, or has become quiet for good: looks often at first.
  private static func patientEnd(of child: pid_t, _ deadline: ContinuousClock.Instant) -> CInt? {
    var pause: useconds_t = 100
    while ContinuousClock.now < deadline {
      if let status = end(of: child, block: false) { return status }
      usleep(pause)
      pause = min(pause * 2, 20_000)
    }
    return nil
  }

  private static func spawn(
    _ program: String, _ arguments: [String], input: CInt, output: CInt
  ) throws(ProcessFailure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Duplicating also drops the close-on-exec mark.
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, output, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Default signals, because this process ignores SIGPIPE and blocks what its own shutdown listens for; a group of its
    // own, so that all of it can be killed.
    var all = sigset_t()
    sigfillset(&all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    let vector = ([program] + arguments).map { strdup($0) }
    defer { for text in vector { free(text) } }
    var child: pid_t = 0
    let result = posix_spawnp(&child, program, &actions, &attributes, vector + [nil], environ)
    guard result == 0 else { throw .notStarted(program: program, errno: result) }
    return child
  }
}

/// What a child writes, and when nobody can write any more.
private struct ProcessOutput: ~Copyable {
  private let socket: CInt
  private var bytes: [UInt8] = []
  private(set) var isClosed = false

  init(takingOwnershipOf socket: CInt) { self.socket = socket }

  deinit { close(socket) }

  /// The output so far, without white space at its end.
  var text: String {
    var bytes = bytes[...]
    while let last = bytes.last, last == 0x0A || last == 0x0D || last == 0x20 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Takes what is there, after waiting for it.
  mutating func read(atMost limit: Duration) {
    if isClosed { return }
    var file = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    let milliseconds = max(0, limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000)
    guard poll(&file, 1, CInt(milliseconds)) > 0 else { return }
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(socket, &chunk, chunk.count, CInt(MSG_DONTWAIT))
      if count > 0 {
        bytes += chunk[..<min(count, max(0, 65_536 - bytes.count))]
      } else if count < 0, errno == EINTR {
        continue
      } else {
        // 0 is the end; EAGAIN the end for now; a reset comes from a child that was killed.
        isClosed = count == 0 || errno != EAGAIN
        return
      }
    }
  }
}
