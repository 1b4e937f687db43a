// ssh keys that may log in.

import Files
import FoundationEssentials
import Glibc

/// A line of an authorized_keys file: type, key and comment, without options.
struct AuthorizedKey: Hashable, Sendable {
  let line: String

  /// Reads one key per line; nova's have a line end at their end.
  static func list(_ field: DriveField) throws(FieldError) -> [AuthorizedKey] {
    var keys: [AuthorizedKey] = []
    for line in try field.text().split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ")
      if words.isEmpty { continue }
      let isKey =
        words.count >= 2 && line.utf8.count <= 16_384
        && line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        && ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].contains { words[0].hasPrefix($0) }
        && Data(base64Encoded: String(words[1])) != nil
      guard isKey else { throw field.error("is no public key of the form 'ssh-ed25519 AAAA… comment'") }
      keys.append(AuthorizedKey(line: words.joined(separator: " ")))
    }
    return keys
  }
}

/// The authorized_keys file of a user.
struct AuthorizedKeys: Sendable {
  let root: RootFolder
  let user: String

  /// Adds keys that are not there yet.
  func add(_ keys: [AuthorizedKey]) throws {
    guard let account = Accounts(root: root).account(user) else {
      throw FieldError(
        field: "user \(Quoted.text(user))", reason: "is not in /etc/passwd; ssh keys need a user (--user)")
    }
    let home = account.home
    guard home.hasPrefix("/"), !home.split(separator: "/").contains("..") else {
      throw FieldError(field: "user \(Quoted.text(user))", reason: "has no absolute home folder")
    }
    let folder = home == "/" ? "/.ssh" : "\(home)/.ssh"
    let file = "\(folder)/authorized_keys"
    // The user owns both places, and could have put links to others there.
    guard !isLink(folder), !isLink(file) else {
      throw FieldError(field: file, reason: "or its folder is a link, which is not followed")
    }
    try DurableFile.createDirectory(root.path(folder), mode: 0o700)
    // Also when it was there: a crash may have come before it was given away.
    try root.give(folder, to: account.owner)
    try DurableFile.removeLeftovers(in: root.path(folder))
    let old = (FileRead.text(root.path(file)) ?? "").split(whereSeparator: \.isNewline).map(String.init)
    var lines = old
    for key in keys where !lines.contains(key.line) { lines.append(key.line) }
    // For the same reason also when no key is new.
    try root.write(Array(lines.map { $0 + "\n" }.joined().utf8), to: file, mode: 0o600)
    try root.give(file, to: account.owner)
  }

  private func isLink(_ path: String) -> Bool {
    var status = stat()
    return lstat(root.path(path), &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }
}
