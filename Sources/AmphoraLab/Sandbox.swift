// A place where a lab can do what it likes: own network, mounts and processes, all of which the kernel removes with the
// last process, however that ends. Nothing of the host changes.

import Glibc
import Netlink

/// What keeps a lab from running here.
package enum SandboxError: Error, CustomStringConvertible {
  case notRoot
  case missing(program: String, package: String)
  case systemCall(String, errno: Int32)

  package var description: String {
    switch self {
    case .notRoot: "this needs root: it makes network namespaces and mounts. Try: sudo make …"
    case .missing(let program, let package): "\(program) is missing; install the package \(package), or run: make setup"
    case .systemCall(let call, let errno): "\(call): \(String(cString: strerror(errno)))"
    }
  }
}

/// The sandbox of this process.
package enum Sandbox {
  private static let marker = "AMPHORA_SANDBOX"

  /// Whether this process is in a sandbox.
  package static var isInside: Bool { getenv(marker) != nil }

  /// A folder in memory that goes away with the sandbox.
  package static let directory = "/run/amphora-lab"

  /// Continues this program in a sandbox, with its arguments; returns at once when it is in one already.
  ///
  /// Namespaces for network, mounts and processes come from unshare(1); when this program ends, or is killed, the kernel
  /// ends every process in them.
  package static func enter() throws {
    guard !isInside else { return try prepare() }
    guard geteuid() == 0 else { throw SandboxError.notRoot }
    setenv(marker, "1", 1)
    var path = [CChar](repeating: 0, count: 4096)
    guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else {
      throw SandboxError.systemCall("readlink /proc/self/exe", errno: errno)
    }
    let program = path.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    let command =
      [
        "unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
        "--", program,
      ]
      + CommandLine.arguments.dropFirst()
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
    arguments.append(nil)
    execvp("unshare", arguments)
    throw SandboxError.missing(program: "unshare", package: "util-linux")
  }

  /// Makes an empty /run in memory, which also holds the names of network namespaces, and brings the loopback link up.
  private static func prepare() throws {
    if access(directory, F_OK) == 0 { return }
    guard mount("amphora-lab", "/run", "tmpfs", 0, "mode=755") == 0 else {
      throw SandboxError.systemCall("mount tmpfs on /run", errno: errno)
    }
    mkdir(directory, 0o755)
    let socket = try NetlinkSocket()
    if let loopback = try socket.link(named: "lo") { try socket.setUp(loopback) }
  }
}
