// Users and groups of the root at hand. getpwnam(3) knows those of the running system only, and may ask other machines.

import Files
import Glibc

/// Who a file belongs to.
struct Owner: Hashable, Sendable {
  let user: uid_t
  let group: gid_t
}

/// A line of /etc/passwd.
struct Account: Sendable {
  let owner: Owner
  let home: String
}

/// The files /etc/passwd and /etc/group of a root.
struct Accounts: Sendable {
  let root: RootFolder

  /// An account by its name.
  func account(_ name: String) -> Account? {
    guard let parts = line(of: name, in: "/etc/passwd", columns: 7), let user = uid_t(parts[2]),
      let group = gid_t(parts[3])
    else { return nil }
    return Account(owner: Owner(user: user, group: group), home: String(parts[5]))
  }

  /// The owner that `USER` or `USER:GROUP` names, by names or numbers; nil when there is none of that name.
  func owner(_ text: String) -> Owner? {
    let names = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let account = account(names[0])
    guard let user = account?.owner.user ?? uid_t(names[0]) else { return nil }
    if names.count == 1 { return Owner(user: user, group: account?.owner.group ?? gid_t(user)) }
    guard
      let group = line(of: names[1], in: "/etc/group", columns: 4).flatMap({ gid_t($0[2]) }) ?? gid_t(names[1])
    else { return nil }
    return Owner(user: user, group: group)
  }

  private func line(of name: String, in file: String, columns: Int) -> [Substring]? {
    (FileRead.text(root.path(file)) ?? "").split(separator: "\n").lazy
      .map { $0.split(separator: ":", omittingEmptySubsequences: false) }
      .first { $0.count == columns && $0[0] == name }
  }
}
