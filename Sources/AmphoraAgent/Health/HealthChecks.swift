// What `GET /1.0/health` looks at: only what is cheap, changes nothing and tells of a fault that an operator must mend.

import AmphoraCrypto
import AmphoraProtocol
import Files
import Glibc
import Netlink

/// The checks of an agent; each blocks for a short time.
struct HealthChecks: Sendable {
  typealias Check = AgentHealthBody.Check

  let paths: AgentPaths
  let interfaces: InterfacePaths
  let configuration: LiveConfiguration
  let heartbeats: HeartbeatSender
  let metrics: AgentMetrics

  /// How long a haproxy may take to answer.
  private static let patience = Duration.milliseconds(100)
  /// The certificate must be replaced before; controllers do it 30 days ahead.
  private static let shortest: Int64 = 7 * 86_400

  /// The checks by name, in the order of the answer; one may give several results.
  var all: [(name: String, run: @Sendable () -> [Check])] {
    [
      ("namespace", { [namespace()] }), ("disk", { [disk()] }), ("certificate", { [certificate()] }),
      ("vrrp", { [vrrp()] }), ("heartbeat", { [heartbeat()] }), ("listeners", { listeners() }),
      ("haproxy", { loadBalancers() }),
    ]
  }

  /// The namespace must be there once something lives in it.
  private func namespace() -> Check {
    if interfaces.namespace.exists { return .pass("namespace", "\(interfaces.namespace) exists") }
    let files = FileRead.names(in: interfaces.interfaces)
    let needsIt = !LoadBalancerStore(paths: paths).ids().isEmpty || !LVSStore(paths: paths).ids().isEmpty
    guard needsIt || files.contains(where: { $0.hasSuffix(".json") && $0 != "lo.json" }) else {
      return .pass("namespace", "\(interfaces.namespace) is not there, and nothing needs it yet")
    }
    return .fail("namespace", "\(interfaces.namespace) is not there")
  }

  private func disk() -> Check {
    var status = statvfs()
    guard statvfs(paths.base, &status) == 0 else {
      return .fail("disk", "\(paths.base): \(String(cString: strerror(errno)))")
    }
    let (free, size) = (
      UInt64(status.f_bavail) * UInt64(status.f_frsize), UInt64(status.f_blocks) * UInt64(status.f_frsize)
    )
    // An upload is up to 16 MiB (AgentAPI.bodyLimit); a very small disk is not full for being small.
    if free < min(16 << 20, size / 20) { return .fail("disk", "\(free >> 10) KiB are left in \(paths.base)") }
    // File systems without a fixed number of them say 0 of 0.
    if status.f_files > 0, status.f_favail < 100 {
      return .fail("disk", "\(status.f_favail) inodes are left in \(paths.base)")
    }
    return .pass("disk", "\(free >> 20) MiB are free in \(paths.base)")
  }

  private func certificate() -> Check {
    let path = configuration.value.agentServerCert
    let notAfter: Int64
    do {
      notAfter = try X509Certificate(pem: FileRead.bytes(path, limit: 1 << 20)).notAfter
    } catch {
      return .fail("certificate", "\(path) is not usable: \(error)")
    }
    let left = notAfter - UnixTime.now
    if left <= 0 { return .fail("certificate", "\(path) expired \(-left / 86_400) days ago") }
    let text = "\(path) is valid for another \(left / 86_400) days"
    return left < Self.shortest ? .fail("certificate", text) : .pass("certificate", text)
  }

  private func vrrp() -> Check {
    switch VRRPGate.read(paths) {
    case .absent: .pass("vrrp", "not set up")
    case .open(let pid): .pass("vrrp", "keepalived runs as process \(pid)")
    case .closed(let reason): .fail("vrrp", "keepalived is set up but does not run: \(reason)")
    }
  }

  private func heartbeat() -> Check {
    let (settings, status) = (configuration.value, heartbeats.status)
    if settings.controllerEndpoints.isEmpty || settings.amphoraID == nil || settings.heartbeatKey == nil {
      return .pass("heartbeat", "none are configured")
    }
    // Three missed ones; a short interval does not make the machine faster.
    let limit = max(AgentMetrics.seconds(settings.heartbeatInterval) * 3, 5)
    let age = status.last.map { UnixTime.precise - $0.time } ?? AgentMetrics.seconds(metrics.uptime)
    if age <= limit {
      return .pass("heartbeat", status.last.map { "sent to \($0.destination) \(Int(max(0, age))) s ago" } ?? "none yet")
    }
    let silence = status.silence.map { reason in
      status.silenceDetail.map { "\(reason.rawValue): \($0)" } ?? reason.rawValue
    }
    let since = status.last == nil ? "since the start, \(Int(age)) s ago" : "for \(Int(age)) s"
    return .fail("heartbeat", "none was sent \(since): \(silence ?? status.lastSendError ?? "unknown reason")")
  }

  private func listeners() -> [Check] {
    let (store, stopped) = (LVSStore(paths: paths), StopOrders(paths: paths))
    return store.ids().map { id in
      let name = "listener \(id)"
      if store.isRunning(id) { return .pass(name, "keepalived runs") }
      if stopped.contains(ServiceUnit.unitName(of: id)) { return .pass(name, "stopped on request") }
      return .fail(name, "keepalived does not run")
    }
  }

  /// An answer is wanted, not only a connection: the kernel takes those for a haproxy that hangs, too.
  private func loadBalancers() -> [Check] {
    let stopped = StopOrders(paths: paths)
    let deadline = ContinuousClock.now + Self.patience
    return LoadBalancerStore(paths: paths).ids().map { id in
      let name = "haproxy \(id)"
      if stopped.contains(ServiceUnit.unitName(of: id)) { return .pass(name, "stopped on request") }
      do throws(StatsSocketError) {
        let left = max(deadline - .now, .milliseconds(20))
        let information = try StatsSocket(path: paths.statsSocket(of: id), timeout: left).showInfo()
        return .pass(name, "process \(information["Pid"] ?? "-") serves \(information["CurrConns"] ?? "-") connections")
      } catch {
        return .fail(name, "\(error)")
      }
    }
  }
}

extension AgentHealthBody.Check {
  fileprivate static func pass(_ name: String, _ detail: String) -> Self {
    Self(name: name, status: .pass, detail: detail)
  }

  static func fail(_ name: String, _ detail: String) -> Self { Self(name: name, status: .fail, detail: detail) }
}
