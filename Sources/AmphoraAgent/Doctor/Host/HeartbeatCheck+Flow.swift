// What a running agent says of the heartbeats it has sent.

import AmphoraProtocol

extension HeartbeatCheck {
  /// Above this the limit of 65,507 bytes is near, and members that are added would be lost from the message.
  private static let comfortableSize = 60_000

  /// Whether they leave in time and whole; nothing where no agent answers, of which another check tells.
  func flow(_ configuration: AgentConfiguration, _ amphora: LocalAmphora) async -> [Finding] {
    // Silence is meant when keepalived is dead, and the check of keepalived tells.
    if case .closed = VRRPGate.read(amphora.paths) { return [] }
    guard let status = try? await BlockingIO.run({ try AgentControl.status(amphora.paths) }) else { return [] }
    return judge(status, interval: Double(configuration.heartbeatInterval.components.seconds))
  }

  func judge(_ status: AgentStatus, interval: Double) -> [Finding] {
    let now = Double(machine.now())
    let last = status.lastHeartbeat
    let age = now - (last?.time ?? status.started)
    // One or two may be late on a loaded machine; controllers wait for six (`heartbeat_timeout` 60 s, every 10 s).
    if age > interval * 3 + 5 {
      let since = last == nil ? "none has left since the agent's start" : "the last one left"
      let reason = status.heartbeatSilence.map { ": \($0)" } ?? ""
      let isTooLarge = status.heartbeatSilence?.hasPrefix(HeartbeatStatus.SkipReason.tooLarge.rawValue) == true
      return [
        .failure(
          name, "\(since) \(Readable.seconds(Int64(age))) ago, and one is due each \(Int(interval)) s\(reason)",
          remedy: isTooLarge ? Self.sizeRemedy : "systemctl restart amphora-agent")
      ]
    }
    guard let last else { return [.pass(name, "the agent has just started")] }
    let isCramped = last.bytes > Self.comfortableSize || last.form != HeartbeatDatagram.Form.complete.rawValue
    if isCramped {
      let loss =
        last.form == HeartbeatDatagram.Form.withoutPools.rawValue
        ? ": controllers see old states of pools and members" : ""
      return [
        .warning(
          name,
          "the message has \(last.bytes) bytes (\(last.form)), of \(HeartbeatEnvelope.maximumPayloadIPv4) that fit\(loss)",
          remedy: Self.sizeRemedy)
      ]
    }
    let text = "sent \(Readable.seconds(Int64(max(0, age)))) ago to \(last.destination), \(last.bytes) bytes"
    return [.pass(name, text)]
  }

  private static let sizeRemedy = "spread the listeners and members over more load balancers"
}
