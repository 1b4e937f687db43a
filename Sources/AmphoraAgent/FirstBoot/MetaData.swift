// meta_data.json: who this machine is, and which files were injected.

import FoundationEssentials

/// What meta_data.json says; what it says wrongly is left out and told.
struct MetaData: Sendable {
  var instance: InstanceID?
  var hostname: HostName?
  var keys: [AuthorizedKey] = []
  var seed: [UInt8] = []
  var files: [FileOrder] = []
  /// Whether a file of the agent is named whose content cannot be read.
  var lacksAgentFile = false

  /// 16 files of the largest size; nova's classic limits are 5 files of 10 KiB.
  private static let largestTotal = 16 << 20

  /// Reads the document and the bodies that it names.
  init(_ document: DriveField, drive: ConfigDrive, report: inout BootReport) {
    instance = report.attempt { try document.optional("uuid").map { try InstanceID($0) } } ?? nil
    let name = report.attempt { try document.optional("hostname") ?? document.optional("name") } ?? nil
    hostname = report.attempt { try name.map { try HostName($0) } } ?? nil
    for field in Self.publicKeys(document, &report) {
      keys += report.attempt { try AuthorizedKey.list(field) } ?? []
    }
    seed = report.attempt { try Self.seed(document) } ?? []
    var total = 0
    for field in report.attempt({ try document.optional("files")?.elements(limit: 64) ?? [] }) ?? [] {
      guard let path = report.attempt({ try TargetPath(try field.required("path")) }) else { continue }
      guard let content = report.attempt({ try Self.content(field, drive) }) else {
        if path.isAgents { lacksAgentFile = true }
        continue
      }
      let order = FileOrder(path: path, content: content)
      total += order.content.count
      guard total <= Self.largestTotal else {
        report.problem("\(field.name) is past the \(Self.largestTotal) bytes that all files may have together")
        break
      }
      files.append(order)
    }
  }

  private static func publicKeys(_ document: DriveField, _ report: inout BootReport) -> [DriveField] {
    report.attempt {
      guard let keys = try document.optional("public_keys") else { return [] }
      return try keys.entries().compactMap { try keys.optional($0.key) }
    } ?? []
  }

  private static func seed(_ document: DriveField) throws(FieldError) -> [UInt8] {
    guard let field = try document.optional("random_seed") else { return [] }
    guard let data = Data(base64Encoded: try field.text()) else { throw field.error("is no base64") }
    return Array(data)
  }

  private static func content(_ field: DriveField, _ drive: ConfigDrive) throws(FieldError) -> [UInt8] {
    let place = try field.required("content_path")
    let body = try TargetPath(place).description
    guard body.hasPrefix("/content/") else { throw place.error("does not begin with /content/") }
    guard let content = try drive.file(String(body.dropFirst())) else {
      throw place.error("names \(Quoted.text(body)), which is not on the drive")
    }
    return content
  }
}
