// Whether haproxy runs what stands on disk.

/// Compares haproxy's objects with those of the file, and the file's age with the worker's.
///
/// The copy of the last good configuration alone cannot tell: it is another name of the same file, so that an edit in place
/// changes both. Nor can times alone: a configuration that the agent has put back is older than the process before it.
struct RunningConfigurationRule: BalancerRule {
  let name = "haproxy-current"

  func findings(_ seen: BalancerObservation) -> [Finding] {
    guard seen.syntax == .accepted, let file = seen.file, let live = seen.live else { return [] }
    let (onDisk, running) = (Self.objects(of: seen.sections), Self.objects(of: live.table))
    let (absent, excess) = (onDisk.subtracting(running).sorted(), running.subtracting(onDisk).sorted())
    if absent.isEmpty && excess.isEmpty {
      guard isNewer(file, than: live, seen) else {
        return [.pass(name, "haproxy runs what is in \(file.path)")]
      }
      return [warning("\(file.path) was changed after haproxy had read it", seen)]
    }
    let differences =
      absent.map { "\($0) is in the file only" } + excess.map { "\($0) is in haproxy only" }
    let text = "\(file.path) is not what haproxy runs: \(BalancerText.list(differences))"
    // Clients of such a listener are refused.
    return [
      absent.contains { $0.hasPrefix("listener ") }
        ? .failure(name, text, remedy: seen.remedy.reload) : warning(text, seen)
    ]
  }

  private func warning(_ evidence: String, _ seen: BalancerObservation) -> Finding {
    .warning(name, evidence, remedy: seen.remedy.reload)
  }

  /// Whether the file was written after the worker was started, which read it just before.
  private func isNewer(
    _ file: BalancerObservation.File, than live: BalancerObservation.Answer, _ seen: BalancerObservation
  ) -> Bool {
    guard let started = live.worker.flatMap({ ProcessStatus($0) })?.startedAt else { return false }
    // The kernel counts starts in hundredths of a second, and stamps files some milliseconds late.
    return file.modified > started + .milliseconds(50)
  }

  /// Listeners, pools and members with haproxy's names.
  static func objects(of sections: HAProxySections) -> Set<String> {
    var names = Set(sections.ofOctavia("frontend").compactMap { $0.name.map { "listener \($0)" } })
    for pool in sections.ofOctavia("backend") {
      guard let name = pool.name else { continue }
      names.insert("pool \(name)")
      for server in pool.servers { names.insert("member \(server.id) of pool \(name)") }
    }
    return names
  }

  private static func objects(of table: StatsTable) -> Set<String> {
    guard let pxname = table.column("pxname"), let svname = table.column("svname") else { return [] }
    let type = table.column("type")
    return Set(
      table.rows.compactMap { row in
        // Type 3 are a frontend's listening sockets.
        if let type, row.matches(type, "3") { return nil }
        let name = row.text(pxname) ?? ""
        if row.matches(svname, "FRONTEND") { return "listener \(name)" }
        if row.matches(svname, "BACKEND") { return "pool \(name)" }
        return "member \(row.text(svname) ?? "") of pool \(name)"
      })
  }
}
