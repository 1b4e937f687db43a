// What a delete or an upload that was cut short has left, and what belongs to nothing any more.

import AmphoraProtocol
import Files
import Glibc

/// Whether everything on disk belongs to a load balancer or listener that there is.
struct LeftoversCheck: DoctorCheck {
  let name = "leftovers"
  var machine = Machine()

  /// Certificates come before their configuration, and a configuration is tried before it is put in place: neither takes so
  /// long, in seconds.
  private static let inProgress: Int64 = 120

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let paths = amphora.paths
    let (store, lvs) = (LoadBalancerStore(paths: paths), LVSStore(paths: paths))
    let halfDone = store.remains().filter { isOld(paths.directory(of: $0)) }
    let halfDoneListeners = (try? lvs.remains()) ?? []
    let findings =
      halfDone.map {
        restart("load balancer \($0): \(paths.directory(of: $0)) is from a delete or upload that was cut short")
      }
      + halfDoneListeners.map { restart("listener \($0): a delete or upload in \(paths.lvsDirectory) was cut short") }
      + folders(store, known: Set(halfDone)) + certificates(store, known: Set(halfDone))
      + units(store, lvs, Set(halfDone.map(\.text) + halfDoneListeners.map(\.text)))
    return findings.isEmpty ? [.pass(name, "no files or units of deleted load balancers")] : findings
  }

  /// The agent's start finishes deletes and takes back uploads.
  private func restart(_ evidence: String) -> Finding {
    .warning(name, evidence, remedy: "systemctl restart amphora-agent")
  }

  /// Folders without a configuration; a refused one stays on purpose, for whoever looks for the reason.
  private func folders(_ store: LoadBalancerStore, known: Set<LoadBalancerID>) -> [Finding] {
    let paths = store.paths
    return FileRead.names(in: paths.base).compactMap { LoadBalancerID($0) }.filter { id in
      let folder = paths.directory(of: id)
      return FileRead.isFolder(folder) && !store.exists(id) && !store.remains().contains(id) && !known.contains(id)
        && !FileRead.exists(paths.rejectedConfiguration(of: id)) && isOld(folder)
    }.map {
      let folder = paths.directory(of: $0)
      return .warning(name, "\(folder) has no haproxy.cfg: no load balancer has this id", remedy: "rm -r \(folder)")
    }
  }

  private func certificates(_ store: LoadBalancerStore, known: Set<LoadBalancerID>) -> [Finding] {
    let paths = store.paths
    return FileRead.names(in: paths.certificates).compactMap { LoadBalancerID($0) }.filter { id in
      // A half delete, which has a finding, takes them along.
      !store.exists(id) && !known.contains(id) && isOld(paths.certificateDirectory(of: id))
    }.map {
      let folder = paths.certificateDirectory(of: $0)
      return .warning(name, "\(folder) has keys of a load balancer that there is not", remedy: "rm -r \(folder)")
    }
  }

  /// Units without a configuration, of systemd or of the agent's own supervision.
  private func units(_ store: LoadBalancerStore, _ lvs: LVSStore, _ known: Set<String>) -> [Finding] {
    let paths = store.paths
    var findings: [Finding] = []
    for (folder, suffix) in [(paths.units, ".service"), (paths.services, ".service.json")] {
      for file in FileRead.names(in: folder) where file.hasSuffix(suffix) {
        let unit = String(file.dropLast(suffix.count))
        guard let owner = Owner(unit), !owner.exists(store, lvs), !known.contains(owner.id), isOld("\(folder)/\(file)")
        else { continue }
        let path = "\(folder)/\(file)"
        let remedy =
          suffix == ".service"
          ? "systemctl disable --now \(file); rm -f \(path); systemctl daemon-reload; systemctl reset-failed"
          : "rm \(path); systemctl restart amphora-agent"
        findings.append(.warning(name, "\(path) is of \(owner.what), which there is not", remedy: remedy))
      }
    }
    return findings
  }

  private func isOld(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && machine.now() - Int64(status.st_mtim.tv_sec) > Self.inProgress
  }

  /// Whose unit it is, by its name.
  private enum Owner {
    case loadBalancer(LoadBalancerID)
    case listener(ListenerID)

    init?(_ unit: String) {
      if unit.hasPrefix("haproxy-"), let id = LoadBalancerID(unit.dropFirst("haproxy-".count)) {
        self = .loadBalancer(id)
      } else if unit.hasPrefix("octavia-keepalivedlvs-"),
        let id = ListenerID(unit.dropFirst("octavia-keepalivedlvs-".count))
      {
        self = .listener(id)
      } else {
        return nil
      }
    }

    var id: String {
      switch self {
      case .loadBalancer(let id): id.text
      case .listener(let id): id.text
      }
    }

    var what: String {
      switch self {
      case .loadBalancer(let id): "load balancer \(id)"
      case .listener(let id): "listener \(id)"
      }
    }

    func exists(_ store: LoadBalancerStore, _ lvs: LVSStore) -> Bool {
      switch self {
      case .loadBalancer(let id): store.exists(id)
      case .listener(let id): lvs.exists(id)
      }
    }
  }
}
