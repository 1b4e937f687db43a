// Fresh namespaces for one test each, removed whatever happens, and the programs that check us from outside.

import Addresses
import Glibc
import Netlink
import Synchronization
import Testing

/// The tests that change the kernel's state.
///
/// One after the other, so that waiting for one does not delay another's deadline; each in namespaces of its own.
@Suite(.serialized, .enabled(if: geteuid() == 0, "skipped: only root can make network namespaces"))
struct KernelTests {}

/// Two namespaces joined by a wire: `eth1` in the first, `peer` in the second, both down and without addresses.
struct Lab {
  let namespace: NetworkNamespace
  let otherNamespace: NetworkNamespace
  let socket: NetlinkSocket
  let other: NetlinkSocket

  static let mac = address(MACAddress("fa:16:3e:00:00:01"))
  static let peerMAC = address(MACAddress("fa:16:3e:00:00:02"))

  static func run(_ body: (Lab) throws -> Void) throws {
    try withNamespace { first throws in
      try withNamespace { second throws in
        try first.create()
        try second.create()
        let lab = Lab(
          namespace: first, otherNamespace: second, socket: try NetlinkSocket(in: first),
          other: try NetlinkSocket(in: second))
        try lab.socket.createVeth(
          VethEnd("eth1", macAddress: mac), peer: VethEnd("peer", macAddress: peerMAC, namespace: second))
        try body(lab)
      }
    }
  }

  /// The first end of the wire.
  var eth1: Link { get throws { try #require(try socket.link(named: "eth1")) } }
  /// The second end of the wire.
  var peer: Link { get throws { try #require(try other.link(named: "peer")) } }

  /// Both ends up, with the given addresses on `eth1`, usable at once.
  func bringUp(_ addresses: String...) throws -> Link {
    try socket.setUp(eth1)
    try other.setUp(peer)
    let link = try eth1
    for text in addresses {
      try socket.add(InterfaceAddress(network(text), linkIndex: link.index, flags: .noDuplicateDetection))
    }
    return link
  }
}

/// A name no other namespace has; what is made under it is deleted afterwards.
func withNamespace(_ body: (NetworkNamespace) throws -> Void) throws {
  let number = counter.withLock { count in
    count += 1
    return count
  }
  let namespace = try #require(NetworkNamespace("nlt\(getpid())-\(number)"))
  defer { #expect(throws: Never.self) { try namespace.delete(ifExists: true) } }
  try body(namespace)
}

private let counter = Mutex(0)

func ip(_ text: String) -> IPAddress { address(IPAddress(text)) }
func network(_ text: String) -> CIDR { address(CIDR(text)) }

/// For literals, whose being valid is the test's own affair.
private func address<T>(_ value: T?) -> T {
  guard let value else { preconditionFailure("a test's literal is no address") }
  return value
}

/// Runs ip(8) and returns what it prints; a failure fails the test.
@discardableResult func runIP(_ arguments: String...) throws -> String {
  var ends: [Int32] = [0, 0]
  try #require(pipe(&ends) == 0)
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for target in [STDOUT_FILENO, STDERR_FILENO] { posix_spawn_file_actions_adddup2(&actions, ends[1], target) }
  for end in ends { posix_spawn_file_actions_addclose(&actions, end) }
  var words: [UnsafeMutablePointer<CChar>?] = (["ip"] + arguments).map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var pid: pid_t = 0
  let error = posix_spawnp(&pid, "ip", &actions, nil, &words, environ)
  close(ends[1])
  defer { close(ends[0]) }
  try #require(error == 0)
  let output = readAll(ends[0])
  var status: Int32 = 0
  while waitpid(pid, &status, 0) < 0, errno == EINTR {}
  try #require(status == 0, "ip \(arguments.joined(separator: " ")): \(output)")
  return output
}

func readAll(_ file: Int32) -> String {
  var all: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(file, &part, part.count)
    if count > 0 { all += part.prefix(count) } else if count == 0 || errno != EINTR { break }
  }
  return String(decoding: all, as: UTF8.self)
}

/// The text of a file of /proc, or an empty one.
func contents(_ path: String) -> String {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return "" }
  defer { close(file) }
  return readAll(file)
}

/// The error a call throws; a call that throws none fails the test.
func netlinkError(_ body: () throws -> Void, _ location: SourceLocation = #_sourceLocation) throws -> NetlinkError {
  try #require(throws: NetlinkError.self, sourceLocation: location, performing: body)
}

/// Asks until it holds, at most five seconds.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = ContinuousClock.now + .seconds(5)
  while ContinuousClock.now < deadline {
    if try condition() { return true }
    sched_yield()
  }
  return false
}
