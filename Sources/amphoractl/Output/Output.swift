// Where a command writes: results to standard output, everything else to standard error.

import FoundationEssentials
import Glibc

/// The form in which a command answers.
struct Output: Sendable {
  /// Whether results are JSON.
  let isJSON: Bool
  /// Styles for standard output.
  let style: TextStyle
  /// Styles for standard error.
  let errorStyle: TextStyle

  init(isJSON: Bool, color: ColorChoice = .auto) {
    self.isJSON = isJSON
    style = TextStyle(isOn: !isJSON && color.isOn(descriptor: 1))
    errorStyle = TextStyle(isOn: color.isOn(descriptor: 2))
  }

  /// Writes a result: with `--json` the value, else the text.
  func result(_ value: some Encodable, text: @autoclosure () -> String) throws {
    if isJSON { try json(value) } else { line(text()) }
  }

  /// Writes a value as indented JSON with sorted keys.
  func json(_ value: some Encodable) throws { line(try Self.encode(value, isIndented: true)) }

  /// Writes a value as JSON on one line: an entry of a stream.
  func jsonLine(_ value: some Encodable) throws { line(try Self.encode(value, isIndented: false)) }

  /// Writes a line to standard output.
  func line(_ text: String) { StandardStream.write(text.hasSuffix("\n") || text.isEmpty ? text : text + "\n", to: 1) }

  /// Writes text as it is.
  func raw(_ bytes: some Sequence<UInt8>) { StandardStream.write(Array(bytes), to: 1) }

  /// Writes a remark to standard error; silent with `--json`.
  func note(_ text: String) {
    if !isJSON { StandardStream.write(text + "\n", to: 2) }
  }

  /// Writes a failure to standard error: with `--json` as an object with `error`, `hint` and `exit_code`.
  func failure(_ failure: CommandFailure) {
    if isJSON {
      let value = FailureBody(error: failure.message, hint: failure.hint, exitCode: failure.status)
      StandardStream.write(((try? Self.encode(value, isIndented: false)) ?? "{}") + "\n", to: 2)
    } else {
      StandardStream.write("\(errorStyle.bad("error:")) \(Terminal.safe(failure.description))\n", to: 2)
    }
  }

  static func encode(_ value: some Encodable, isIndented: Bool) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    return Terminal.safeJSON(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  private struct FailureBody: Encodable {
    let error: String
    let hint: String?
    let exitCode: ExitStatus

    enum CodingKeys: String, CodingKey {
      case error, hint
      case exitCode = "exit_code"
    }
  }
}

/// Unbuffered writing, so that both streams keep their order.
enum StandardStream {
  static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

  /// Writes everything; a reader that has gone away ends the program, as it does `cat`.
  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      // 141: as a shell reports a program that SIGPIPE ended.
      guard written > 0 else { exit(errno == EPIPE ? 141 : ExitStatus.failed.rawValue) }
      rest = rest.dropFirst(written)
    }
  }
}
