// The environment variables and the folders that follow from them (XDG Base Directory Specification).

import Glibc

/// Environment variables.
struct Environment: Sendable {
  private let variables: [String: String]

  init(_ variables: [String: String]) { self.variables = variables }

  /// Those of this process.
  static let process: Environment = {
    var variables: [String: String] = [:]
    var next = environ
    while let entry = next.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      next = next.advanced(by: 1)
    }
    return Environment(variables)
  }()

  subscript(name: String) -> String? { variables[name] }

  private var home: String { variables["HOME"] ?? "/" }

  /// A folder that XDG names; relative values are to be ignored.
  private func xdg(_ name: String, _ fallback: String) -> String {
    variables[name].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/\(fallback)"
  }

  /// `~/.config/amphora`.
  var configurationFolder: String { xdg("XDG_CONFIG_HOME", ".config") + "/amphora" }
  /// `~/.config/amphora/config.yaml`.
  var defaultConfigurationFile: String { configurationFolder + "/config.yaml" }
  /// `~/.local/state/amphora`.
  var stateFolder: String { xdg("XDG_STATE_HOME", ".local/state") + "/amphora" }

  /// A path without `~`; a relative one counts from `base`, or from the current folder without one.
  func expand(_ path: String, base: String? = nil) -> String {
    if path == "~" { return home }
    if path.hasPrefix("~/") { return home + path.dropFirst() }
    guard let base, !path.hasPrefix("/"), base != "." else { return path }
    return "\(base)/\(path)"
  }
}
