// The file that says which traffic has been reported.

/// Whether a restarted agent would know what it has reported already.
struct CounterFileCheck: DoctorCheck {
  let name = "counters"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let path = CounterStore.path(amphora.paths)
    do {
      guard let listeners = try CounterStore.listeners(path: path) else { return [] }
      return [.pass(name, "\(path) has the counters of \(Readable.count(listeners, "listener"))")]
    } catch {
      return [
        .warning(
          name, "\(path) cannot be read, so the agent's next start reports traffic twice: \(error)",
          // The running agent writes it anew, whole, with the next traffic.
          remedy: "rm \(path)")
      ]
    }
  }
}
