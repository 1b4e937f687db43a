// The machine's name: /etc/hostname, the kernel's, and the line of /etc/hosts that lets programs find their own name.

import Files
import Glibc

/// A name that is safe in files and for the kernel.
struct HostName: Hashable, Sendable {
  /// The whole name as given, such as `amphora-1.novalocal`.
  let full: String

  /// Reads a name: letters, digits and `-` in parts of 1 to 63 (RFC 1123 §2.1).
  init(_ field: DriveField) throws(FieldError) {
    let text = try field.text()
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let isName =
      text.utf8.count <= 253
      && parts.allSatisfy { part in
        (1...63).contains(part.utf8.count) && part.first != "-" && part.last != "-"
          && part.utf8.allSatisfy { $0.isASCIIAlphanumeric || $0 == UInt8(ascii: "-") }
      }
    guard isName else { throw field.error("is \(Quoted.text(text)), which is no host name") }
    full = text
  }

  /// The first part, which is the machine's own name, as cloud-init has it.
  var short: String { String(full.prefix { $0 != "." }) }

  /// Puts the name into force.
  func apply(to root: RootFolder) throws(DurableFile.Failure) {
    if root.isMachine {
      guard sethostname(short, short.utf8.count) == 0 else {
        throw DurableFile.Failure(operation: "set the host name", path: short, errno: errno)
      }
    }
    try root.update("\(short)\n", at: "/etc/hostname")
    let old = FileRead.text(root.path("/etc/hosts")) ?? "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
    try root.update(hosts(old), at: "/etc/hosts")
  }

  /// The text of /etc/hosts with this name at 127.0.1.1, where Debian has it.
  func hosts(_ old: String) -> String {
    let wanted = full == short ? "127.0.1.1 \(short)" : "127.0.1.1 \(full) \(short)"
    var lines = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    let place = lines.firstIndex { $0.split(whereSeparator: \.isWhitespace).first == "127.0.1.1" }
    if let place { lines[place] = wanted } else { lines.append(wanted) }
    return lines.joined(separator: "\n") + "\n"
  }
}
