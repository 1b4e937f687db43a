// Kernel settings of the namespace.

import Files
import Netlink

/// Whether the namespace forwards and binds as load balancing needs it.
struct SettingsCheck: DoctorCheck {
  let name = "sysctl"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let namespace = amphora.interfaces.namespace
    // Without the namespace there is nothing to say.
    guard let wrong = try? await namespace.run({ NamespaceSetup.differingSettings() }) else { return [] }
    guard !wrong.isEmpty else { return [.pass(name, "forwarding, conntrack and binding are set in \(namespace)")] }
    return wrong.map { setting in
      let key = setting.key.replacing("/", with: ".")
      let value = setting.wanted.contains(" ") ? "\"\(setting.wanted)\"" : setting.wanted
      let evidence = "\(key) is \(setting.actual) instead of \(setting.wanted)"
      let remedy = "ip netns exec \(namespace) sysctl -w \(key)=\(value)"
      return isNeeded(setting.key, amphora)
        ? .failure(name, evidence, remedy: remedy) : .warning(name, evidence, remedy: remedy)
    }
  }

  /// Whether this amphora's traffic is down without the setting.
  private func isNeeded(_ key: String, _ amphora: LocalAmphora) -> Bool {
    switch key {
    case "net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding": !LVSStore(paths: amphora.paths).ids().isEmpty
    case "net/ipv4/ip_nonlocal_bind", "net/ipv6/ip_nonlocal_bind": FileRead.exists(amphora.paths.vrrpConfiguration)
    default: false
    }
  }
}
