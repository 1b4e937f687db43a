// DHCPv4 for ports without fixed addresses. The controller normally sends addresses, so this is a fallback.

import Files
import Glibc

/// ISC's dhclient on one interface, in the calling thread's namespace.
struct DHCPClient {
  let interface: InterfaceName
  let paths: InterfacePaths

  // dhclient's own patience can be minutes; a plug must be answered before the controller repeats it after 60 s.
  private static let patience: Duration = .seconds(40)

  private var pidFile: String { "\(paths.dhclientPIDs)/dhclient-\(interface).pid" }

  private var arguments: [String] {
    ["-lf", "\(paths.dhclientLeases)/dhclient-\(interface).leases", "-pf", pidFile, interface.text]
  }

  /// Whether a client works on the interface.
  var isRunning: Bool { FileRead.liveProcess(pidFile: pidFile, named: "dhclient") != nil }

  /// Starts the client and waits for its first lease.
  func start() throws(InterfaceError) {
    guard access(paths.dhclient, X_OK) == 0 else {
      throw .dhcpClientMissing(interface, program: paths.dhclient)
    }
    // The lease file's folder is part of the client's package, not of every image.
    try? DurableFile.createDirectory(paths.dhclientLeases, mode: 0o755)
    try run(arguments)
  }

  /// Gives the lease back and ends the client.
  func stop() throws(InterfaceError) { try run(["-r"] + arguments) }

  private func run(_ arguments: [String]) throws(InterfaceError) {
    do throws(ProcessFailure) {
      try NamespaceProcess.run(paths.dhclient, arguments, within: Self.patience)
    } catch {
      throw .dhcp(interface, error)
    }
  }
}
