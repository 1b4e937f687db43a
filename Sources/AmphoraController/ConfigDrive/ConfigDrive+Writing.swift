// The tree on disk: for whoever makes a medium of it.

import Files

/// Why a config drive was not written.
public enum ConfigDriveError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is a tree already; what it has more than the new one would stay.
  case exists(path: String)
  /// A file cannot be written.
  case file(SecretFileError)
  /// A value would say more than it should.
  case unusable(name: String, value: String, rule: String)

  /// The error in words.
  public var description: String {
    switch self {
    case .exists(let path): "\(path) exists: each amphora gets a folder of its own"
    case .file(let error): "\(error)"
    case .unusable(let name, let value, let rule): "the \(name) is '\(value)', it must be \(rule)"
    }
  }
}

extension ConfigDrive {
  /// Writes the tree into a folder: folders with mode 0700, files with mode 0600.
  ///
  /// Make the medium with `genisoimage -o FILE -ldots -allow-lowercase -allow-multidot -l -J -r -V config-2 FOLDER`, and
  /// keep it as secret as the folder.
  /// - Returns: the paths that were written, sorted.
  @discardableResult
  public func write(to folder: String) throws -> [String] {
    let files = try tree()
    let top = "\(folder)/openstack"
    guard !SecretFile.exists(top) else { throw ConfigDriveError.exists(path: top) }
    var written: [String] = []
    do throws(SecretFileError) {
      for (name, text) in files.sorted(by: { $0.key < $1.key }) {
        let path = "\(folder)/\(name)"
        try SecretFile.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        try SecretFile.write(text, to: path)
        written.append(path)
      }
    } catch {
      // Half a tree would be in the way of the next try, and holds secrets already.
      try? DurableFile.removeTree(top)
      throw ConfigDriveError.file(error)
    }
    return written
  }

  /// What ends up in YAML or in a line of its own must not be able to say more.
  func check() throws(ConfigDriveError) {
    var lines = [("name", name), ("domain", domain)]
    lines += sshKeys.flatMap { [("name of an ssh key", $0.key), ("ssh key", $0.value)] }
    for (what, value) in lines where !value.unicodeScalars.allSatisfy(\.isPrintableInYAML) {
      throw .unusable(name: what, value: value, rule: "one line")
    }
    for (what, value) in [("time zone", timezone)] + files.map({ ("path", $0.path) }) {
      let isPlain = value.utf8.allSatisfy { $0.isASCIIAlphanumeric || "/._+-".utf8.contains($0) }
      guard isPlain, !value.isEmpty else {
        throw .unusable(name: what, value: value, rule: "letters, digits and /._+-")
      }
    }
    for file in files where !file.path.hasPrefix("/") {
      throw .unusable(name: "path", value: file.path, rule: "absolute")
    }
  }
}

extension Unicode.Scalar {
  /// Whether YAML takes it as itself within a line (YAML 1.1 §5.1, which cloud-init's reader follows): no control
  /// character, no line break of Unicode's, no byte order mark.
  var isPrintableInYAML: Bool {
    switch value {
    case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
    default: false
    }
  }
}
