// `status --watch`: the screen again each second, until Ctrl-C.

import Glibc
import UnixSignals

/// Redraws the screen for as long as it is wanted.
package struct StatusWatch: Sendable {
  /// ECMA-48 and xterm: the other screen, so that what was on the terminal is there again afterwards; no cursor.
  private static let begin = "\u{1B}[?1049h\u{1B}[?25l"
  private static let end = "\u{1B}[?25h\u{1B}[?1049l"
  private static let home = "\u{1B}[H"
  private static let toEndOfLine = "\u{1B}[K"
  private static let toEndOfScreen = "\u{1B}[J"

  private let configurationFile: String
  private let environment: [String: String]
  private let showsAll: Bool
  private let printsJSON: Bool

  package init(configurationFile: String, environment: [String: String], showsAll: Bool, printsJSON: Bool) {
    self.configurationFile = configurationFile
    self.environment = environment
    self.showsAll = showsAll
    self.printsJSON = printsJSON
  }

  /// Draws until SIGINT, SIGTERM or SIGHUP, or until nobody reads any more, and leaves the terminal as it was.
  package func run() async throws {
    let isOnTerminal = isatty(1) == 1 && !printsJSON
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    if isOnTerminal { Self.write(Self.begin) }
    let end = Task {
      for await _ in signals {
        // At once, for a look may take seconds where something hangs.
        if isOnTerminal { Self.write(Self.end) }
        exit(0)
      }
    }
    defer {
      end.cancel()
      if isOnTerminal { Self.write(Self.end) }
    }
    try await draw(isOnTerminal: isOnTerminal)
  }

  private func draw(isOnTerminal: Bool) async throws {
    var before: AmphoraSnapshot?
    while true {
      let next = ContinuousClock.now + .seconds(1)
      // The file may be replaced meanwhile, too.
      let snapshot = try await AmphoraSnapshot.gather(
        LocalAmphora(configurationFile: configurationFile, environment: environment))
      let style = ScreenStyle.standardOutput(showsAll: showsAll, environment: environment)
      let text: String
      if printsJSON {
        text = try snapshot.json(isPretty: false) + "\n"
      } else {
        let screen = StatusScreen(snapshot, since: before, style: style)
        text = isOnTerminal ? Self.redrawn(screen.text(height: style.height)) : screen.text() + "\n"
      }
      guard Self.write(text) else { return }
      before = snapshot
      try await Task.sleep(until: next, clock: .continuous)
    }
  }

  /// Over the former text instead of after a clearing, which would flicker.
  private static func redrawn(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    return home + lines.joined(separator: "\(toEndOfLine)\n") + toEndOfLine + toEndOfScreen
  }

  /// Whether somebody reads.
  @discardableResult
  private static func write(_ text: String) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
      if count < 0, errno != EINTR { return false }
      bytes = bytes.dropFirst(max(0, count))
    }
    return true
  }
}
