// The tree on disk: for whoever makes a medium of it.

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
    try check()
    let top = "\(folder)/openstack"
    guard !SecretFile.exists(top) else { throw ConfigDriveError.exists(path: top) }
    var written: [String] = []
    do {
      for (name, text) in try tree().sorted(by: { $0.key < $1.key }) {
        let path = "\(folder)/\(name)"
        try SecretFile.makeFolder(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        try SecretFile.write(text, to: path)
        written.append(path)
      }
    } catch let error as SecretFileError {
      throw ConfigDriveError.file(error)
    }
    return written
  }

  /// What ends up in YAML or in a line of its own must not be able to say more.
  private func check() throws(ConfigDriveError) {
    var lines = [("name", name), ("domain", domain)]
    lines += sshKeys.flatMap { [("name of an ssh key", $0.key), ("ssh key", $0.value)] }
    for (what, value) in lines where value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
      throw .unusable(name: what, value: value, rule: "one line")
    }
    for (what, value) in [("time zone", timezone)] + files.map({ ("path", $0.path) }) {
      let isPlain = value.utf8.allSatisfy {
        (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "/._+-".utf8.contains($0)
      }
      guard isPlain, !value.isEmpty else {
        throw .unusable(name: what, value: value, rule: "letters, digits and /._+-")
      }
    }
    for file in files where !file.path.hasPrefix("/") {
      throw .unusable(name: "path", value: file.path, rule: "absolute")
    }
  }
}
