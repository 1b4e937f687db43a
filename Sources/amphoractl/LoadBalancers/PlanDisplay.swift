// Plans and their progress for people, and what became of them in JSON.

import AmphoraController
import AmphoraProtocol
import Synchronization

/// A step in JSON.
struct StepBody: Encodable {
  let step: String
  let name: String
  let amphora: String?
  let port: String?
  var milliseconds: Int?
  var detail: String?
  var failed: Bool?

  enum CodingKeys: String, CodingKey {
    case step, name, amphora, port, milliseconds, detail, failed
  }

  init(_ step: ProcedureStep, name: String) {
    self.step = step.word
    self.name = name
    amphora = step.amphora?.text
    port = step.port?.rawValue
  }
}

/// What a command did, in JSON.
struct ProcedureBody: Encodable {
  let loadBalancer: String
  let changed: Bool
  let dryRun: Bool
  let steps: [StepBody]

  enum CodingKeys: String, CodingKey {
    case changed, steps
    case loadBalancer = "load_balancer"
    case dryRun = "dry_run"
  }
}

/// Shows a plan, asks, carries it out and shows its progress.
struct PlanDisplay {
  let context: CommandContext
  /// What is done: `apply`.
  let verb: String
  let isDryRun: Bool
  let isConfirmed: Bool

  /// Carries out a plan; with `--dry-run` only shows it.
  func run(_ plan: ProcedurePlan, with procedures: LoadBalancerProcedures) async throws {
    let output = context.output
    let planned = plan.remaining.map { StepBody($0.step, name: $0.name) }
    guard !plan.isEmpty else {
      return try output.result(
        body(plan, [], changed: false), text: "\(plan.loadBalancer) is as it should be; nothing to do")
    }
    if isDryRun {
      return try output.result(body(plan, planned, changed: false), text: text(plan) + "\nNothing was changed.")
    }
    if !output.isJSON { output.line(text(plan)) }
    try confirm()
    let done = Mutex<[StepBody]>([])
    try await procedures.execute(plan) { progress in
      guard let line = line(progress) else { return }
      var step = StepBody(progress.step, name: progress.name)
      step.milliseconds = Int(progress.elapsed / .milliseconds(1))
      step.detail = progress.detail
      step.failed = progress.phase == .tolerated ? true : nil
      done.withLock { $0.append(step) }
      if !output.isJSON { output.line(line) }
    }
    try output.result(body(plan, done.withLock { $0 }, changed: true), text: "\(plan.loadBalancer): \(verb) done")
  }

  private func body(_ plan: ProcedurePlan, _ steps: [StepBody], changed: Bool) -> ProcedureBody {
    ProcedureBody(loadBalancer: plan.loadBalancer.text, changed: changed, dryRun: isDryRun, steps: steps)
  }

  private func text(_ plan: ProcedurePlan) -> String {
    let count = plan.remaining.count
    let begun = plan.completed == 0 ? "" : ", after \(plan.completed) that an interrupted run has done"
    let head = "Plan to \(verb) \(plan.loadBalancer): \(count) step\(count == 1 ? "" : "s")\(begun)"
    let lines = zip((plan.completed + 1)..., plan.remaining).map { "  \(padded($0, plan.steps.count)). \($1.name)" }
    return ([context.output.style.bold(head)] + lines.map(Terminal.safe)).joined(separator: "\n")
  }

  private func line(_ progress: ProcedureProgress) -> String? {
    let style = context.output.style
    let mark: String
    switch progress.phase {
    case .started, .performed: return nil
    case .finished: mark = style.good("✔")
    case .tolerated: mark = style.warning("!")
    case .failed: mark = style.bad("✘")
    }
    let name = progress.name + String(repeating: " ", count: max(1, 56 - progress.name.count))
    let milliseconds = "\(Int(progress.elapsed / .milliseconds(1))) ms"
    let detail = Terminal.safe("\(name)\(milliseconds)\t\(progress.detail)")
    return "  \(mark) \(padded(progress.number, progress.count))/\(progress.count) \(detail)"
  }

  private func padded(_ number: Int, _ count: Int) -> String {
    String(repeating: " ", count: max(0, "\(count)".count - "\(number)".count)) + "\(number)"
  }

  private func confirm() throws {
    if isConfirmed { return }
    guard !context.output.isJSON, Terminal.isTerminal(0) else {
      throw CommandFailure(.usage, "nobody can be asked whether to go on", hint: "Give --yes, or look with --dry-run.")
    }
    StandardStream.write("Go on? [y/N] ", to: 2)
    guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
      throw CommandFailure(.failed, "nothing was changed")
    }
  }
}
