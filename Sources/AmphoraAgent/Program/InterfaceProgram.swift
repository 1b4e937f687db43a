// `amphora-agent interface` and `amphora-agent netns`: what the boot and operators call; the agent need not run.

import FoundationEssentials
import Logging
import Netlink

/// `amphora-interface up|down NAME|all`, in the namespace it is started in.
package enum InterfaceProgram {
  /// Runs it; returns the exit code, and the lines for standard output and standard error.
  package static func run(configurationFile: String, words: [String]) async -> InterfaceCommand.Result {
    let paths = InterfacePaths(readingFolderFrom: configurationFile)
    // One thread works on netlink sockets of this process's own namespace; a pool would be of no use.
    return InterfaceCommand(configurator: InterfaceConfigurator(paths: paths)).run(["amphora-interface"] + words)
  }
}

/// `amphora-agent netns up`.
package enum NamespaceProgram {
  /// Makes the namespace with its settings and interfaces; returns a text per interface that did not come up.
  package static func up(configurationFile: String) async throws -> [String] {
    let logger = AgentLogHandler.logger("netns", sink: StandardErrorSink(), level: LogLevel(debug: false))
    let paths = InterfacePaths(readingFolderFrom: configurationFile)
    let plugger = InterfacePlugger(configurator: InterfaceConfigurator(paths: paths), logger: logger)
    return try await NamespaceSetup(interfaces: plugger, namespace: paths.namespace, logger: logger).up(
      systemSettings: true)
  }
}

extension InterfacePaths {
  /// The contract's paths, with the folder that a configuration file names.
  ///
  /// A file that is missing or wrong leaves the default: interfaces must come up although the agent does not.
  fileprivate init(readingFolderFrom file: String) {
    self.init(namespace: .amphoraHAProxy)
    if let configuration = try? AgentConfiguration.load(path: file, environment: ProcessInfo.processInfo.environment) {
      interfaces = configuration.agentServerNetworkDir
    }
  }
}
