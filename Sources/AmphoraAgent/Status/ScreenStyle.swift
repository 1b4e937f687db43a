// What a terminal can show.

import Glibc

/// Width, colour and extent of a screen.
package struct ScreenStyle: Hashable, Sendable {
  /// Characters in a line.
  package var width: Int
  /// Lines on the terminal; nil where output is not one.
  package var height: Int?
  package var isColoured: Bool
  /// Everything instead of a selection.
  package var showsAll: Bool

  package init(width: Int = 80, height: Int? = nil, isColoured: Bool = false, showsAll: Bool = false) {
    self.width = width
    self.height = height
    self.isColoured = isColoured
    self.showsAll = showsAll
  }

  /// As standard output is: its width, else `COLUMNS`, else 80; colour on a terminal that knows it and without `NO_COLOR`
  /// (no-color.org).
  package static func standardOutput(showsAll: Bool, environment: [String: String]) -> ScreenStyle {
    let isTerminal = isatty(1) == 1
    var size = winsize()
    let isKnown = isTerminal && ioctl(1, UInt(TIOCGWINSZ), &size) == 0
    func positive(_ number: Int?) -> Int? { number.flatMap { $0 > 0 ? $0 : nil } }
    let width =
      positive(isKnown ? Int(size.ws_col) : nil) ?? positive(environment["COLUMNS"].flatMap { Int($0) }) ?? 80
    return ScreenStyle(
      // A serial console does not say its size; 40 and less would show nothing useful.
      width: max(40, min(width, 1000)), height: positive(isKnown ? Int(size.ws_row) : nil),
      isColoured: isTerminal && environment["NO_COLOR", default: ""].isEmpty
        && !["dumb", ""].contains(environment["TERM", default: ""]),
      showsAll: showsAll)
  }
}
