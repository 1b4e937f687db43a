// amphoractl heartbeat: what amphorae say of themselves.

import AmphoraProtocol
import ArgumentParser

struct HeartbeatCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "heartbeat", abstract: "Listen to amphorae's heartbeats, or decode a captured one.",
    discussion: "EXAMPLE: amphoractl heartbeat listen --key-file heartbeat.key",
    subcommands: [HeartbeatListen.self, HeartbeatDecode.self])
}

/// Where the heartbeat key comes from.
struct HeartbeatKeyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The heartbeat key. Other users of this machine can see it; better is a file, or AMPHORA_HEARTBEAT_KEY.",
      valueName: "key"))
  var key: String?

  @Option(help: ArgumentHelp("A file whose first line is the heartbeat key.", valueName: "file"), completion: .file())
  var keyFile: String?

  func heartbeatKey(_ configuration: Configuration) throws(CommandFailure) -> HeartbeatKey {
    HeartbeatKey(try configuration.heartbeatKeyText(key, file: keyFile))
  }
}

struct HeartbeatDecode: Command {
  static let configuration = CommandConfiguration(
    commandName: "decode",
    abstract: "Verify one datagram and print its message as JSON.",
    discussion: """
      The message is printed as the amphora sent it. A datagram that is no good heartbeat is refused with status 1 and \
      the reason on standard error.

      EXAMPLE: amphoractl heartbeat decode --key-file heartbeat.key captured.bin
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup var keyOptions: HeartbeatKeyOptions

  @Argument(help: "A file with the datagram's bytes; - is standard input.", completion: .file())
  var file: String

  func execute(_ context: CommandContext) async throws {
    let key = try keyOptions.heartbeatKey(context.configuration)
    let datagram = try InputFile.bytes(file)
    do throws(HeartbeatRejection) {
      let text = try HeartbeatEnvelope.open(datagram, keys: [key])
      let message = try HeartbeatMessage(json: text)
      context.output.line(Terminal.safeJSON(String(decoding: text, as: UTF8.self)))
      for defect in message.defects { context.output.note("warning: \(Terminal.safe(defect))") }
    } catch {
      throw CommandFailure(.failed, "\(file == "-" ? "standard input" : file): refused: \(error) (\(error.kind))")
    }
  }
}
