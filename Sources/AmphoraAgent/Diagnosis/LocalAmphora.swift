// The amphora that a command for operators is started in. Everything is found from the configuration file: none of it needs the
// agent, a controller or the network.

import FoundationEssentials
import Netlink

/// Where `status`, `doctor`, `support-bundle` and the other commands for operators look.
package struct LocalAmphora: Sendable {
  /// The path of the configuration file, as the operator or the unit named it.
  package let configurationFile: String
  /// What the file says; a failure does not end a diagnosis, it is one of its results.
  package let configuration: Result<AgentConfiguration, ConfigurationError>
  /// Where load balancers, certificates and services lie: as configured, else the contract's defaults.
  package let paths: AgentPaths
  /// The traffic namespace and its interface files.
  package let interfaces: InterfacePaths

  /// Reads the configuration file; never fails.
  ///
  /// - Parameter environment: `OS_<GROUP>__<OPTION>` variables override the file. They are those of this process, not those
  ///   of a running agent.
  package init(
    configurationFile: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.configurationFile = configurationFile
    var interfaces = InterfacePaths(namespace: .amphoraHAProxy)
    do throws(ConfigurationError) {
      let configuration = try AgentConfiguration.load(path: configurationFile, environment: environment)
      self.configuration = .success(configuration)
      paths = AgentPaths(base: configuration.basePath, certificates: configuration.baseCertDir)
      interfaces.interfaces = configuration.agentServerNetworkDir
    } catch {
      configuration = .failure(error)
      paths = AgentPaths()
    }
    self.interfaces = interfaces
  }

  /// Puts an amphora together from parts, for tests and laboratories.
  package init(
    configurationFile: String, configuration: Result<AgentConfiguration, ConfigurationError>, paths: AgentPaths,
    interfaces: InterfacePaths
  ) {
    self.configurationFile = configurationFile
    self.configuration = configuration
    self.paths = paths
    self.interfaces = interfaces
  }
}
