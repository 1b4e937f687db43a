// A file that the drive wants written, checked.

package import Files
import Glibc

/// A file to write, injected or from the cloud-config's write_files.
package struct FileOrder: Hashable, Sendable {
  package let path: TargetPath
  package let content: [UInt8]
  /// The mode that the drive names; nil for the path's own.
  package var mode: FileMode?
  /// `USER` or `USER:GROUP`; nil for root.
  package var owner: String?

  /// The mode that the file gets: what is the agent's is never wider than 0600.
  package var effectiveMode: FileMode { path.isAgents ? path.mode : mode ?? path.mode }
}

extension RootFolder {
  /// Writes a file with its mode and owner.
  func write(_ order: FileOrder, accounts: Accounts) throws {
    var owner: Owner?
    if let text = order.owner, text != "root", text != "root:root" {
      owner = accounts.owner(text)
      if owner == nil {
        throw FieldError(field: "write_files: the owner of \(order.path)", reason: "is \(Quoted.text(text)): unknown")
      }
    }
    try write(order.content, to: order.path.description, mode: order.effectiveMode)
    if let owner { try give(order.path.description, to: owner) }
  }
}
