// config.yaml: settings by key, and the amphorae by name.

import AmphoraController
import FoundationEssentials
import Glibc
import Yams

/// The content of a configuration file, each value with its line.
struct ConfigurationFile: Sendable {
  let values: [Setting: (text: String, line: Int)]
  let amphorae: [AmphoraEntry]

  /// Reads a file; nil when it does not exist and need not.
  static func read(_ path: String, isRequired: Bool) throws(CommandFailure) -> ConfigurationFile? {
    guard let bytes = try InputFile.bytes(path, allowsMissing: !isRequired) else { return nil }
    return try ConfigurationFile(String(decoding: bytes, as: UTF8.self), path: path)
  }

  init(_ text: String, path: String) throws(CommandFailure) {
    let root: Node?
    do { root = try Yams.compose(yaml: text) } catch {
      throw CommandFailure(.usage, "\(path): is not YAML: \(error)")
    }
    var values: [Setting: (text: String, line: Int)] = [:]
    var amphorae: [AmphoraEntry] = []
    guard let root, root.null == nil else {
      (self.values, self.amphorae) = ([:], [])
      return
    }
    guard let mapping = root.mapping else {
      throw CommandFailure(.usage, "\(path):1: must be keys with values, such as: attempts: 5")
    }
    for (key, value) in mapping {
      let name = key.string ?? ""
      let line = key.mark?.line ?? 0
      if name == "amphorae" {
        amphorae = try AmphoraEntry.read(value, path: path)
      } else if let setting = Setting(rawValue: name) {
        guard let text = value.scalar?.string else {
          throw CommandFailure(.usage, "\(path):\(line): \(name) must have one value")
        }
        values[setting] = (text, line)
      } else {
        throw CommandFailure(
          .usage, "\(path):\(line): unknown key '\(name)'",
          hint: "Known are: \((Setting.allCases.map(\.rawValue) + ["amphorae"]).joined(separator: ", ")).")
      }
    }
    self.values = values
    self.amphorae = amphorae
  }
}
