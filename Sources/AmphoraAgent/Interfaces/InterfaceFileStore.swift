// The folder of interface files: the desired state of the namespace's interfaces, which survives reboots.

import Addresses
package import Files
import FoundationEssentials
import Glibc

/// Reads and writes the interface files of one folder.
package struct InterfaceFileStore: Sendable {
  /// `[amphora_agent] agent_server_network_dir`.
  package let directory: String

  /// A file of the folder that could not be read.
  package struct Unreadable: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's path.
    package let path: String
    /// What is wrong with it.
    package let reason: String

    /// The interface that the file would be named for.
    package var stem: String { String((path.split(separator: "/").last ?? "").dropLast(".json".count)) }
    /// For logs.
    package var description: String { "\(path): \(reason)" }
  }

  /// What the folder holds.
  package struct Contents: Sendable {
    /// By the name inside each file.
    ///
    /// Of two files with one name the later in directory order counts, as with upstream.
    package var files: [InterfaceName: InterfaceFile] = [:]
    /// Files that could not be read; they do not hide the others.
    package var unreadable: [Unreadable] = []
    /// The readable interfaces by name, the loopback first, since programs on all others may need it.
    package var ordered: [InterfaceFile] {
      files.values.sorted { $1.name != .loopback && ($0.name == .loopback || $0.name < $1.name) }
    }
  }

  /// Makes a store on a folder, which need not exist.
  package init(directory: String) { self.directory = directory }

  /// Where the file of an interface is written.
  package func path(of name: InterfaceName) -> String { "\(directory)/\(name).json" }

  /// Reads every `*.json` of the folder; a missing folder has none.
  package func loadAll() -> Contents {
    var contents = Contents()
    for entry in FileRead.names(in: directory) where entry.hasSuffix(".json") && !entry.hasPrefix(".") {
      do {
        let file = try read("\(directory)/\(entry)")
        contents.files[file.name] = file
      } catch {
        contents.unreadable.append(error)
      }
    }
    return contents
  }

  /// The file that names this interface, or nil when there is none that can be read.
  package func load(_ name: InterfaceName) -> InterfaceFile? {
    if let file = try? read(path(of: name)), file.name == name { return file }
    return loadAll().files[name]
  }

  /// Writes the file of an interface durably, and makes the folder when it is missing.
  package func store(_ file: InterfaceFile) throws(DurableFile.Failure) {
    try DurableFile.createDirectory(directory, mode: 0o755)
    try DurableFile.write(Self.json(file), to: path(of: file.name), mode: 0o644)
  }

  /// Writes `lo.json`, as each start of the agent does (contract networking §3.4 H), unless it stands there already.
  package func storeLoopback() throws(DurableFile.Failure) {
    if (try? read(path(of: .loopback))) == .loopback { return }
    try store(.loopback)
  }

  /// One line of JSON.
  static func json(_ file: InterfaceFile) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Encoding texts, integers and booleans into memory cannot fail.
    return (try? encoder.encode(file)).map(Array.init) ?? []
  }

  private func read(_ path: String) throws(Unreadable) -> InterfaceFile {
    do {
      // 1 MiB: the largest real file, with hundreds of host routes, is far below.
      return try JSONDecoder().decode(InterfaceFile.self, from: Data(FileRead.bytes(path, limit: 1 << 20)))
    } catch let error as DecodingError {
      throw Unreadable(path: path, reason: error.shortText)
    } catch {
      throw Unreadable(path: path, reason: "\(error)")
    }
  }
}

extension DecodingError {
  /// Where in the document, and what: without the type names of the default text.
  var shortText: String {
    let context: Context
    switch self {
    case .dataCorrupted(let found), .keyNotFound(_, let found), .typeMismatch(_, let found),
      .valueNotFound(_, let found):
      context = found
    @unknown default: return "\(self)"
    }
    var place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
    if case .keyNotFound(let key, _) = self { place += ".\(key.stringValue)" }
    return place.isEmpty ? context.debugDescription : "\(place.drop { $0 == "." }): \(context.debugDescription)"
  }
}
