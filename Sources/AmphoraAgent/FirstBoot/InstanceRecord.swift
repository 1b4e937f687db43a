// Which instance was set up here last. Files are written once for an instance: later the controller replaces the
// certificate and the configuration, and a reboot must not bring the first ones back.

import Files

/// The id of a nova instance.
struct InstanceID: Hashable, Sendable, CustomStringConvertible {
  let description: String

  /// Reads an id: a UUID as a rule, and nothing that could not stand in a line of a file.
  init(_ field: DriveField) throws(FieldError) {
    let text = try field.text()
    let isID =
      (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") }
    guard isID else { throw field.error("is \(Quoted.text(text)), which is no instance's id") }
    description = text
  }
}

/// A file that says for which instance something was done.
struct InstanceRecord: Sendable {
  let root: RootFolder
  let path: String

  /// Set when files, keys and time zone of an instance are in place, as the last of all.
  static func files(_ root: RootFolder) -> InstanceRecord {
    InstanceRecord(root: root, path: "/var/lib/amphora/instance-id")
  }

  /// Set before an instance's commands run, so that one of them may reboot the machine and is not run again.
  static func commands(_ root: RootFolder) -> InstanceRecord {
    InstanceRecord(root: root, path: "/var/lib/amphora/instance-id.commands")
  }

  /// The instance; nil when there was none.
  var instance: String? {
    guard let bytes = try? FileRead.bytes(root.path(path), limit: 4096) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    return text.isEmpty ? nil : text
  }

  /// Whether nothing was done for this instance yet.
  ///
  /// Of an instance that cannot be told from others (a drive without a usable id) only the first boot counts.
  func isNew(_ id: InstanceID?) -> Bool {
    guard let id else { return instance == nil }
    return instance != id.description
  }

  /// Says that it is done.
  func set(_ id: InstanceID?) throws(DurableFile.Failure) {
    try root.write(Array("\(id?.description ?? instance ?? "unknown")\n".utf8), to: path)
  }
}
