// Where a file of the drive goes: a path that stays below the root as written.

package import Files
import Glibc

/// An absolute path in its plainest form: no empty parts, no `.` and `..`, no control characters.
package struct TargetPath: Hashable, Sendable, CustomStringConvertible {
  package let description: String
  private let parts: [Substring]

  /// Reads a path.
  package init(_ field: DriveField) throws(FieldError) {
    let text = try field.text()
    guard text.utf8.first == UInt8(ascii: "/") else {
      throw field.error("is \(Quoted.text(text)), which is no absolute path")
    }
    // PATH_MAX is 4096 with the NUL at the end.
    guard text.utf8.count < 4096, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      throw field.error("is \(Quoted.text(text)), which is too long or has control characters")
    }
    // By bytes, so that no combining character hides a slash.
    let parts = text.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
    guard !parts.isEmpty, text.utf8.last != UInt8(ascii: "/") else {
      throw field.error("is \(Quoted.text(text)), which is a folder")
    }
    guard parts.allSatisfy({ $0 != "." && $0 != ".." && $0.utf8.count <= Int(NAME_MAX) }) else {
      throw field.error("is \(Quoted.text(text)); '.', '..' and parts longer than \(NAME_MAX) bytes are refused")
    }
    self.parts = parts
    description = "/" + parts.joined(separator: "/")
  }

  /// The folder that it is in.
  package var folder: String { DurableFile.split(description).folder }

  /// Whether the file is the agent's: its configuration with the heartbeat key, its certificate with the private key.
  package var isAgents: Bool { parts.count > 2 && parts[0] == "etc" && parts[1] == "octavia" }

  /// The mode when the drive names none.
  ///
  /// Private keys that cloud-init left at 0660 or 0644 are a weak spot of other images (contract image §7).
  package var mode: FileMode { isAgents ? 0o600 : 0o644 }
}
