// An entry of a cloud-config's write_files.

import Files
import FoundationEssentials
import Glibc

/// Reads entries of write_files.
enum CloudConfigFile {
  /// The file that an entry orders, and the keys that are not known; the file is written all the same.
  static func order(_ field: DriveField) throws(FieldError) -> (FileOrder, unknown: [String]) {
    let path = try TargetPath(try field.required("path"))
    if let append = try field.optional("append"), try append.text().lowercased() != "false" {
      throw append.error("is not supported; the file \(path) is not written")
    }
    var order = FileOrder(path: path, content: try content(field))
    guard order.content.count <= 1 << 20 else { throw field.error("is larger than 1 MiB") }
    order.mode = try field.optional("permissions").map { field throws(FieldError) in try mode(field) }
    order.owner = try field.optional("owner")?.text()
    let known = ["path", "content", "encoding", "permissions", "owner", "append", "defer"]
    return (order, try field.entries().map(\.key).filter { !known.contains($0) })
  }

  private static func content(_ field: DriveField) throws(FieldError) -> [UInt8] {
    guard let content = try field.optional("content") else {
      // An empty file is one that has an empty content, not one whose content was forgotten under another key.
      if let source = try field.optional("source") { throw source.error("is not supported: nothing is downloaded") }
      return []
    }
    let text = try content.text()
    guard let encoding = try field.optional("encoding") else { return Array(text.utf8) }
    switch try encoding.text() {
    case "text/plain", "": return Array(text.utf8)
    case "b64", "base64":
      // Long ones are broken into lines.
      guard let data = Data(base64Encoded: text.filter { !$0.isWhitespace }) else {
        throw content.error("is no base64")
      }
      return Array(data)
    case let other: throw encoding.error("is \(Quoted.text(other)); known are text/plain, b64 and base64")
    }
  }

  /// A mode in octal, with or without quotes and leading `0` or `0o`.
  private static func mode(_ field: DriveField) throws(FieldError) -> FileMode {
    let text = try field.text()
    let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
    guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...55).contains($0) }),
      let mode = FileMode(digits, radix: 8), mode <= 0o7777
    else { throw field.error("is \(Quoted.text(text)), no octal mode such as '0600'") }
    return mode
  }
}
