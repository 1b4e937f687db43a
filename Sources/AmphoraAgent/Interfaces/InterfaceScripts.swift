// The commands of an interface file. The masquerade script is carried out here, all others are run.

import Glibc
import Netlink

/// Runs the scripts of interface files in the calling thread's namespace.
struct InterfaceScripts {
  let paths: InterfacePaths
  let onStep: InterfaceConfigurator.StepHook

  // Well below the 60 s after which the controller repeats a request.
  private static let patience: Duration = .seconds(15)

  /// Runs the `up` commands in order; the first that fails ends it.
  func runUp(_ file: InterfaceFile, _ socket: NetlinkSocket, _ warnings: inout [String]) throws {
    var masqueraded = false
    for command in file.upScripts {
      guard MasqueradeCommand(command) != nil else {
        try run(command)
        continue
      }
      // All masquerade commands together are one change, made where the first of them stands.
      if masqueraded { continue }
      masqueraded = true
      try masquerade(socket, with: file, fallback: file.upScripts, &warnings)
    }
  }

  /// Runs the `down` commands in order; failures are warnings.
  func runDown(_ file: InterfaceFile, _ socket: NetlinkSocket, _ warnings: inout [String]) throws {
    var masqueraded = false
    for command in file.downScripts {
      do {
        guard MasqueradeCommand(command) != nil else {
          try run(command)
          continue
        }
        if masqueraded { continue }
        masqueraded = true
        try masquerade(socket, without: file.name, fallback: file.downScripts, &warnings)
      } catch let error as InterfaceError {
        warnings.append("\(error)")
      }
    }
  }

  private func run(_ command: String) throws {
    let words = command.split(whereSeparator: \.isWhitespace).map(String.init)
    guard let program = words.first else { return }
    try onStep(command)
    do throws(ProcessFailure) {
      try NamespaceProcess.run(program, Array(words.dropFirst()), within: Self.patience)
    } catch {
      throw InterfaceError.script(command, error)
    }
  }

  /// Sets the rules of all interfaces that are up and ask for some: each change is the whole ruleset.
  private func masquerade(
    _ socket: NetlinkSocket, with file: InterfaceFile? = nil, without name: InterfaceName? = nil, fallback: [String],
    _ warnings: inout [String]
  ) throws {
    guard access(paths.nft, X_OK) == 0 else {
      return try runScripts(fallback, &warnings)
    }
    try onStep("masquerade")
    let up = Set(try askKernel { () throws(NetlinkError) in try socket.links() }.filter(\.isUp).map(\.name))
    var rules = MasqueradeRules()
    for other in paths.store.loadAll().ordered
    where other.name != file?.name && other.name != name && up.contains(other.name.text) {
      rules.include(other.upScripts)
    }
    if let file { rules.include(file.upScripts) }
    do throws(ProcessFailure) {
      // Listing takes 3 ms; loading takes 16, most of it the kernel's wait until no packet uses the old rules.
      let listing = try? NamespaceProcess.run(paths.nft, ["-s", "list", "ruleset"], within: Self.patience)
      if let listing, rules.areThose(in: listing) { return }
      try NamespaceProcess.run(paths.nft, ["-f", "-"], input: rules.transaction, within: Self.patience)
    } catch {
      throw InterfaceError.masquerade(error)
    }
  }

  /// Without nft the script itself may know a way (it has one with iptables); without both there are no rules.
  private func runScripts(_ commands: [String], _ warnings: inout [String]) throws {
    for command in commands where MasqueradeCommand(command) != nil {
      let program = command.prefix { !$0.isWhitespace }
      if access(String(program), X_OK) == 0 {
        warnings.append("\(paths.nft) is missing; running '\(command)' instead")
        try run(command)
      } else {
        warnings.append(
          "\(paths.nft) is missing, so '\(command)' has no effect: UDP and SCTP load balancers will not get answers "
            + "from members; install nftables")
      }
    }
  }
}
