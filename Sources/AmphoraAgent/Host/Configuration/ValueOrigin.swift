// Where the effective value of an option came from, for `amphora-agent config show` and for messages.

/// The place that decided an option's value.
package enum ValueOrigin: Sendable, Hashable, CustomStringConvertible {
  /// An assignment in a file; the line is that of its key, counted from 1.
  case file(String, line: Int)
  /// An environment variable `OS_<GROUP>__<OPTION>`; it overrides the file.
  case environment(String)
  /// Neither set it.
  case `default`

  /// `FILE:LINE`, `environment VARIABLE` or `default`.
  package var description: String {
    switch self {
    case .file(let file, let line): "\(file):\(line)"
    case .environment(let variable): "environment \(variable)"
    case .default: "default"
    }
  }
}
