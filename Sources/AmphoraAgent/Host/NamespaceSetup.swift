// The traffic namespace as it must be before haproxy starts (contract networking §1.2): made, tuned, with its interfaces.
// Every step may fail without stopping the next; all may be repeated.

import Glibc
package import Logging
package import Netlink

/// Rebuilds the traffic namespace from what is on disk.
package struct NamespaceSetup: Sendable {
  private let interfaces: InterfacePlugger
  private let namespace: NetworkNamespace
  private let logger: Logger

  package init(interfaces: InterfacePlugger, namespace: NetworkNamespace, logger: Logger) {
    self.interfaces = interfaces
    self.namespace = namespace
    self.logger = logger
  }

  /// Settings inside the namespace, in the contract's order; `net.ipv4.vs.*` exist once ip_vs is loaded.
  private static let settings = [
    ("net/ipv4/ip_forward", "1"), ("net/ipv4/vs/conntrack", "1"), ("net/ipv6/conf/all/forwarding", "1"),
    ("net/ipv4/vs/expire_nodest_conn", "1"), ("net/ipv4/vs/expire_quiescent_template", "1"),
    // haproxy binds the VIP on the standby too, which does not hold it. The image's sysctl files say so as well; without
    // them a pair would not work at all.
    ("net/ipv4/ip_nonlocal_bind", "1"), ("net/ipv6/ip_nonlocal_bind", "1"),
    ("net/ipv4/ping_group_range", "0 2147483647"),
  ]

  /// Settings of the root namespace, which a namespace cannot change.
  private static let rootSettings = [
    ("net/netfilter/nf_conntrack_buckets", "125000"), ("net/netfilter/nf_conntrack_max", "125000"),
    ("net/netfilter/nf_conntrack_expect_max", "488"),
  ]

  /// Makes the namespace, applies the settings, brings every interface back.
  ///
  /// - Parameter systemSettings: also reads the image's sysctl files and loads ip_vs, which takes two programs.
  /// - Returns: one text per interface that did not come up.
  package func up(systemSettings: Bool) async throws -> [String] {
    try await prepare(systemSettings: systemSettings)
    return try await interfaces.restoreAll().failures.map { "\($0.interface): \($0.reason)" }
  }

  /// The first part: the namespace and its settings, without interfaces.
  func prepare(systemSettings: Bool) async throws {
    let isBoot = systemSettings && !namespace.exists
    try namespace.create(ifMissing: true)
    if systemSettings {
      await attempt("/sbin/ip", ["netns", "exec", namespace.name, "sysctl", "--system"])
      await attempt("/sbin/ip", ["netns", "exec", namespace.name, "modprobe", "ip_vs"])
      Self.write(Self.rootSettings, logger)
    }
    try await namespace.run { [logger] in Self.write(Self.settings, logger) }
    if isBoot { await awaitNICs() }
  }

  /// keepalived needs its interface when it starts; what comes even later, the agent takes in.
  private func awaitNICs() async {
    do {
      for name in try await interfaces.awaitListedNICs(atMost: .seconds(10)) {
        logger.warning("NIC did not come", metadata: ["interface": "\(name)"])
      }
    } catch {
      logger.error("NICs not waited for", metadata: ["error": "\(error)"])
    }
  }

  private func attempt(_ program: String, _ arguments: [String]) async {
    do {
      let result = try await Command.run(program, arguments, timeout: .seconds(15))
      if !result.isSuccess {
        logger.debug("step failed", metadata: ["command": "\(arguments)", "output": "\(result.output)"])
      }
    } catch {
      logger.debug("step failed", metadata: ["command": "\(arguments)", "error": "\(error)"])
    }
  }

  /// A setting of the namespace with another value than ``up(systemSettings:)`` gives it.
  struct DifferingSetting: Hashable, Sendable {
    /// `net/ipv4/ip_forward`.
    let key: String
    let actual: String
    let wanted: String
  }

  /// The settings of the calling thread's namespace that are not as they must be; keys that the kernel does not have are
  /// left out.
  static func differingSettings() -> [DifferingSetting] {
    settings.compactMap { key, wanted in
      guard let actual = try? Sysctl.read(key).replacing("\t", with: " "), actual != wanted else { return nil }
      return DifferingSetting(key: key, actual: actual, wanted: wanted)
    }
  }

  private static func write(_ settings: [(String, String)], _ logger: Logger) {
    for (key, value) in settings {
      do {
        try Sysctl.write(key, value)
      } catch {
        logger.debug("setting not applied", metadata: ["key": "\(key)", "error": "\(error)"])
      }
    }
  }
}
