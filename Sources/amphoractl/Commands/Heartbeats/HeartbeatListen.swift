// amphoractl heartbeat listen: a live table on a terminal, a line per heartbeat elsewhere, an object per line with --json.

import AmphoraController
import AmphoraProtocol
import ArgumentParser

struct HeartbeatListen: Command {
  static let configuration = CommandConfiguration(
    commandName: "listen",
    abstract: "Receive heartbeats and show each amphora's state.",
    discussion: """
      On a terminal a table is kept up to date; elsewhere each heartbeat is a line, with --json an object per line. \
      Refused datagrams are named on standard error. Ends with Ctrl-C, or by --count or --seconds.

      EXAMPLE: amphoractl heartbeat listen --listen 192.0.2.5:5555 --key-file heartbeat.key
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup var keyOptions: HeartbeatKeyOptions

  @Option(help: ArgumentHelp("Where to receive, in place of heartbeat_listen.", valueName: "address:port"))
  var listen: String?

  @Option(help: "End after this many heartbeats.")
  var count: Int?

  @Option(help: "End after this many seconds.")
  var seconds: Int?

  @Option(help: "Seconds without a heartbeat after which an amphora is shown as stale.")
  var stale = 60

  func validate() throws {
    guard (count ?? 1) > 0, (seconds ?? 1) > 0, stale > 0 else {
      throw ValidationError("--count, --seconds and --stale must be greater than 0")
    }
  }

  func execute(_ context: CommandContext) async throws {
    let text = listen ?? context.configuration.text(.heartbeatListen)
    guard let (host, port) = HostAndPort.split(text), !host.isEmpty else {
      throw CommandFailure(
        .usage, "'\(text)' is no ADDRESS:PORT to listen at", hint: "Such as 192.0.2.5:5555 or [::]:5555.")
    }
    let output = context.output
    let receiver: HeartbeatReceiver
    do {
      receiver = try await HeartbeatReceiver.bind(
        address: host, port: port ?? 5555, keys: [try keyOptions.heartbeatKey(context.configuration)],
        onRejection: { rejection, source in refused(rejection, source, output) })
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(.failed, "could not listen at \(text): \(error)")
    }
    // On standard error with --json too: a script must know when it listens, and at which port when it asked for 0.
    StandardStream.write("listening at \(host.contains(":") ? "[\(host)]" : host):\(receiver.port)\n", to: 2)
    let display = display(output)
    try await follow(receiver, display)
  }

  private func display(_ output: Output) -> any HeartbeatDisplay {
    if output.isJSON { return HeartbeatJSON(output: output) }
    if Terminal.isTerminal(1) { return LiveHeartbeatTable(style: output.style, stale: .seconds(stale)) }
    return HeartbeatLines(output: output)
  }

  private func refused(_ rejection: HeartbeatRejection, _ source: String, _ output: Output) {
    // The live table counts its lines; what is refused is in its last one.
    if output.isJSON || !Terminal.isTerminal(1) {
      StandardStream.write("refused: \(source): \(Terminal.safe("\(rejection)"))\n", to: 2)
    }
  }

  /// Shows heartbeats until the limits are reached.
  private func follow(_ receiver: HeartbeatReceiver, _ display: any HeartbeatDisplay) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      let table = HeartbeatTable()
      group.addTask {
        var seen = 0
        for await heartbeat in receiver.heartbeats {
          let row = table.take(heartbeat)
          try display.show(row, table.rows, receiver.counters)
          seen += 1
          if seen == count { return }
        }
      }
      if display.isLive {
        group.addTask {
          // Ages grow without heartbeats too.
          while true {
            try display.refresh(table.rows, receiver.counters)
            try await Task.sleep(for: .seconds(1))
          }
        }
      }
      if let seconds { group.addTask { try await Task.sleep(for: .seconds(seconds)) } }
      try await group.next()
      group.cancelAll()
    }
    try await receiver.close()
  }
}
