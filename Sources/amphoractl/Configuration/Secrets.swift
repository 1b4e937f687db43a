// Secrets come from the environment, a file, or the terminal without echo; never from the command line alone, where every
// user of the machine could read them.

import Glibc

enum Secret {
  /// The first line of a secret's file.
  static func firstLine(of path: String) throws(CommandFailure) -> String {
    let bytes = try InputFile.bytes(path)
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    guard !line.isEmpty else { throw CommandFailure(.usage, "\(path): the first line is empty, it must be the secret") }
    return String(decoding: line, as: UTF8.self)
  }

  /// Asks on the terminal; nil where there is none.
  static func ask(_ prompt: String) throws(CommandFailure) -> String? {
    let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard terminal >= 0 else { return nil }
    defer { close(terminal) }
    var saved = termios()
    guard tcgetattr(terminal, &saved) == 0 else { return nil }
    var silent = saved
    // Without signals as well: Ctrl-C would leave the terminal without echo.
    silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
    guard tcsetattr(terminal, TCSAFLUSH, &silent) == 0 else { return nil }
    defer { tcsetattr(terminal, TCSAFLUSH, &saved) }
    StandardStream.write("\(prompt): ", to: terminal)
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count < 4096, Glibc.read(terminal, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    StandardStream.write("\n", to: terminal)
    // Ctrl-C and Ctrl-\ arrive as characters.
    guard !line.contains(3), !line.contains(28) else { throw CommandFailure(.failed, "interrupted") }
    return String(decoding: line, as: UTF8.self)
  }
}

extension Configuration {
  /// The passphrase of the CA keys: `AMPHORA_PASSPHRASE`, `passphrase_file`, or the terminal; nil where none is set and
  /// nobody can be asked.
  ///
  /// - Parameter isNew: asks twice, since a passphrase that was mistyped would lock the new keys for ever.
  func passphrase(isNew: Bool = false) throws(CommandFailure) -> String? {
    if let text = Environment.process["AMPHORA_PASSPHRASE"], !text.isEmpty { return text }
    if let file = self[.passphraseFile] { return try Secret.firstLine(of: file.text) }
    guard let text = try Secret.ask("Passphrase of the CA keys") else { return nil }
    guard !text.isEmpty else { throw CommandFailure(.usage, "the passphrase is empty") }
    if isNew, try Secret.ask("The same again") != text { throw CommandFailure(.usage, "the two passphrases differ") }
    return text
  }

  /// The heartbeat key: the argument, else `AMPHORA_HEARTBEAT_KEY`, else `heartbeat_key_file`.
  func heartbeatKeyText(_ argument: String?, file: String?) throws(CommandFailure) -> String {
    if let argument { return argument }
    if let file { return try Secret.firstLine(of: file) }
    if let text = Environment.process["AMPHORA_HEARTBEAT_KEY"], !text.isEmpty { return text }
    if let file = self[.heartbeatKeyFile] { return try Secret.firstLine(of: file.text) }
    throw CommandFailure(
      .usage, "no heartbeat key",
      hint: "Give it with --key-file FILE, AMPHORA_HEARTBEAT_KEY, or heartbeat_key_file in the configuration.")
  }
}
