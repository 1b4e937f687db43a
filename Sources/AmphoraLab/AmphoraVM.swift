// An amphora without a hypervisor: network, mounts and processes of its own, with the agent supervising haproxy and
// keepalived directly. The host's programs are there; /etc and /var/lib are overlays, /run is empty.

package import AmphoraAgent
import Files
import FoundationEssentials
package import Glibc
package import Netlink

/// One amphora.
package final class AmphoraVM: Sendable {
  /// A number that names and addresses are made of.
  package let number: Int
  /// The amphora's root namespace, where the agent listens.
  package let namespace: NetworkNamespace
  /// The address on the management network.
  package let managementAddress: String
  /// What the amphora writes under /etc and /var/lib, seen from outside.
  package let directory: String
  private let initProcess: ChildProcess
  private let initPID: pid_t

  /// Starts the amphora's first process; the agent comes with ``startAgent(configuration:)``.
  ///
  /// - Parameters:
  ///   - agent: the path of the amphora-agent binary.
  ///   - files: files that are there from the beginning, under /etc or /var/lib, by path.
  ///   - directory: what the amphora writes; a folder of the sandbox unless told.
  ///   - startsAgent: whether the amphora starts the agent itself, and again whenever it ends.
  package init(
    number: Int, namespace: NetworkNamespace, managementAddress: String, agent: String, files: [String: String] = [:],
    directory: String? = nil, startsAgent: Bool = false
  ) async throws {
    self.number = number
    self.namespace = namespace
    self.managementAddress = managementAddress
    let directory = directory ?? "\(Sandbox.directory)/vm-\(number)"
    self.directory = directory
    self.agent = agent
    try DurableFile.createDirectory(directory, mode: 0o755)
    // Of an amphora that boots again, /run starts empty.
    try DurableFile.removeTree("\(directory)/run")
    for (path, text) in files {
      let outside = "\(directory)/upper\(path)"
      let folder = String(outside[..<(outside.lastIndex(of: "/") ?? outside.startIndex)])
      try DurableFile.createDirectory(folder, mode: 0o755)
      try DurableFile.write(Array(text.utf8), to: outside, mode: 0o660)
    }
    let command =
      [
        "/sbin/ip", "netns", "exec", namespace.name, "/usr/bin/unshare", "--mount", "--propagation", "private", "--pid",
        "--fork",
        "--kill-child", "--mount-proc", "/bin/bash", "-c", Self.bootScript, "boot", directory, agent,
        startsAgent ? "yes" : "no",
      ]
    initProcess = try ChildProcess(command, output: "\(directory)/boot.log")
    initPID = try await Self.poll("the amphora's first process", log: "\(directory)/boot.log") {
      [initProcess, directory] in
      guard FileRead.exists("\(directory)/run/.ready") else { return nil }
      return Self.child(of: initProcess.pid)
    }
  }

  /// Where the image's helper programs are, which are links to the agent.
  package static let programs = "/run/bin"

  /// The path of the agent's binary, which is the host's.
  package let agent: String

  /// Makes the amphora's file system, then waits for ever; bash collects the processes that lose their parents.
  private static let bootScript = """
    set -e
    dir=$1 agent=$2 starts=$3
    exec 3>> "$dir/agent.log"
    for tree in etc var/lib; do
      mkdir -p "$dir/upper/$tree" "$dir/work/$tree"
      mount -t overlay overlay -o "lowerdir=/$tree,upperdir=$dir/upper/$tree,workdir=$dir/work/$tree" "/$tree"
    done
    mkdir -p /etc/octavia/certs /var/lib/octavia /var/lib/haproxy
    printf 'global\\n    group nogroup\\n' > /var/lib/octavia/haproxy-default-user-group.conf
    # Its own /run: pid files, notify sockets and the names of namespaces.
    mkdir -p "$dir/run/bin"
    for name in haproxy-vrrp-check amphora-interface amphora-health-checker prometheus-proxy; do
      ln -sf "$agent" "$dir/run/bin/$name"
    done
    mount --bind "$dir/run" /run
    ip link set lo up
    touch /run/.ready
    export PATH=/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    while [ "$starts" = yes ]; do
      "$agent" serve --config-file /etc/octavia/amphora-agent.conf --supervisor direct >&3 2>&1 3>&- || true
      sleep 1
    done
    while :; do sleep 1; done
    """

  /// Runs a program in the amphora.
  package func run(_ command: [String], timeout: Duration = .seconds(20)) async throws -> CommandResult {
    try await Command.run("/usr/bin/nsenter", enter + command, timeout: timeout)
  }

  private var enter: [String] { ["--target", "\(initPID)", "--net", "--mount", "--pid", "--"] }

  /// Starts a program in the amphora that goes on; its output goes to a file in ``directory``.
  package func start(_ command: [String], environment: [String: String] = [:], log: String) throws -> ChildProcess {
    try ChildProcess(["/usr/bin/nsenter"] + enter + command, environment: environment, output: "\(directory)/\(log)")
  }

  /// Starts the agent with direct supervision.
  ///
  /// A debug build ends itself where the file `/run/kill-after` says.
  package func startAgent(
    configuration: String = "/etc/octavia/amphora-agent.conf", arguments: [String] = []
  ) throws -> AgentProcess {
    let child = try start(
      [agent, "serve", "--config-file", configuration, "--supervisor", "direct"] + arguments,
      environment: [
        "PATH": "/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "AMPHORA_TEST_KILL_FILE": "/run/kill-after",
      ],
      log: "agent.log")
    return AgentProcess(child: child, log: "\(directory)/agent.log")
  }

  /// Ends every process of the amphora at once, as a power cut would.
  package func cutPower() async {
    kill(initPID, SIGKILL)
    _ = await initProcess.exitStatus()
  }

  /// Where a path of the amphora is seen from outside with all that is mounted there, while the amphora has power.
  package func live(_ path: String) -> String { "/proc/\(initPID)/root\(path)" }

  /// Where a path of the amphora below /etc, /var/lib or /run lies outside; only what the amphora wrote is there.
  package func outside(_ path: String) -> String {
    path.hasPrefix("/run/") ? directory + path : "\(directory)/upper\(path)"
  }

  /// The first child of a process, by the kernel's list.
  static func child(of pid: pid_t) -> pid_t? {
    (FileRead.text("/proc/\(pid)/task/\(pid)/children") ?? "").split(separator: " ").first.flatMap { pid_t($0) }
  }

  /// Asks until there is an answer, 15 s at most.
  static func poll<T>(_ what: String, log: String, _ ask: () throws -> T?) async throws -> T {
    let deadline = ContinuousClock.now + .seconds(15)
    while ContinuousClock.now < deadline {
      if let answer = try ask() { return answer }
      try await Task.sleep(for: .milliseconds(5))
    }
    throw LabError.timedOut(what: what, log: FileRead.text(log) ?? "")
  }
}

/// A lab that does not come up.
package enum LabError: Error, CustomStringConvertible {
  case timedOut(what: String, log: String)
  case failed(what: String, reason: String)

  package var description: String {
    switch self {
    case .timedOut(let what, let log): "\(what) was not there in time. Log:\n\(log)"
    case .failed(let what, let reason): "\(what): \(reason)"
    }
  }
}

/// A running agent of an amphora.
package struct AgentProcess: Sendable {
  let child: ChildProcess
  /// The file with its log.
  package let log: String

  /// The agent's own process, as seen from here.
  package var pid: pid_t? { AmphoraVM.child(of: child.pid) }

  /// Asks it to end (SIGTERM) and waits; the exit status.
  package func stop() async -> Int32 {
    if let pid { kill(pid, SIGTERM) }
    return await child.exitStatus()
  }

  /// Ends it at once (SIGKILL).
  package func crash() async {
    if let pid { kill(pid, SIGKILL) }
    _ = await child.exitStatus()
  }

  /// The exit status, once it has ended.
  package var exitStatus: Int32? { child.status }
}
