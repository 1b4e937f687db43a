// Runs the checks side by side and gathers what they found.

/// The checks, and how long each may take.
package struct Doctor: Sendable {
  private let checks: [any DoctorCheck]
  private let limit: Duration

  /// - Parameter limit: when a check is given up: a doctor that hangs helps nobody.
  package init(checks: [any DoctorCheck] = DoctorChecks.all, limit: Duration = .seconds(10)) {
    self.checks = checks
    self.limit = limit
  }

  /// The findings of all checks, in the checks' order.
  package func examine(_ amphora: LocalAmphora) async -> DoctorReport {
    let findings = await withTaskGroup(of: (Int, [Finding]).self) { group in
      for (index, check) in checks.enumerated() { group.addTask { (index, await run(check, amphora)) } }
      var results = [[Finding]](repeating: [], count: checks.count)
      for await (index, found) in group { results[index] = found }
      return results
    }
    return DoctorReport(findings: findings.flatMap { $0 })
  }

  private func run(_ check: any DoctorCheck, _ amphora: LocalAmphora) async -> [Finding] {
    let (results, continuation) = AsyncStream.makeStream(of: [Finding].self, bufferingPolicy: .bufferingOldest(1))
    // Not a child task: one that blocks in the kernel would hold the group until it is done.
    let work = Task { continuation.yield(await check.run(amphora)) }
    let alarm = Task {
      try await Task.sleep(for: limit)
      continuation.yield([
        .warning(
          check.name, "gave no result within \(limit)", remedy: "look at the load of the machine, then ask again")
      ])
    }
    defer {
      work.cancel()
      alarm.cancel()
    }
    for await findings in results { return findings }
    return []
  }
}
