// user_data: the cloud-config that controllers send (contract image §4.1).

/// What a cloud-config orders; what it says wrongly is left out and told.
package struct CloudConfig: Sendable {
  /// A command of runcmd.
  package enum Command: Hashable, Sendable {
    /// For the shell.
    case shell(String)
    /// A program and its arguments.
    case arguments([String])
  }

  package private(set) var files: [FileOrder] = []
  package private(set) var commands: [Command] = []
  var timeZone: TimeZoneName?
  /// Keys by user; nil is the user of the instance's keys.
  var keys: [(user: String?, keys: [AuthorizedKey])] = []

  private static let name = "user_data:"

  package init() {}

  /// Reads a cloud-config.
  ///
  /// Each top-level key is read for itself, so that an error in one leaves the others.
  package init(_ bytes: [UInt8], report: inout BootReport) {
    guard !bytes.isEmpty, let lines = Self.lines(of: bytes, &report) else { return }
    var seen: Set<String> = []
    for section in Self.sections(lines) {
      do {
        let value = try YAMLReader.read(section)
        for entry in try DriveField(name: Self.name, value: value).entries() {
          guard seen.insert(entry.key).inserted else {
            throw FieldError(field: "\(Self.name) \(entry.key)", reason: "is there twice; the first counts")
          }
          guard entry.value != .null else { continue }
          try read(entry.key, DriveField(name: "\(Self.name) \(entry.key)", value: entry.value), &report)
        }
      } catch let error as YAMLRefusal {
        report.problem("\(Self.name) \(error)")
      } catch {
        report.problem("\(error)")
      }
    }
  }

  private static func lines(of bytes: [UInt8], _ report: inout BootReport) -> [YAMLLine]? {
    if let refusal = refusal(of: bytes) {
      report.problem("\(name) \(refusal)")
      return nil
    }
    do throws(YAMLRefusal) {
      return try YAMLLine.lines(of: bytes)
    } catch {
      report.problem("\(name) \(error)")
      return nil
    }
  }

  /// Why the data is no cloud-config at all; nil when it is one.
  private static func refusal(of bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0x1F, 0x8B]) { return "is compressed (gzip); a plain cloud-config is wanted" }
    if bytes.starts(with: "#!".utf8) { return "is a script; put its commands under runcmd of a cloud-config" }
    let first = bytes.prefix { $0 != UInt8(ascii: "\n") }
    guard String(decoding: first, as: UTF8.self).split(whereSeparator: \.isWhitespace) == ["#cloud-config"] else {
      return "does not begin with the line #cloud-config"
    }
    return nil
  }

  /// The parts that begin with a key at the left margin.
  private static func sections(_ lines: [YAMLLine]) -> [ArraySlice<YAMLLine>] {
    var starts: [Int] = []
    for (index, line) in lines.enumerated() where !line.isEmpty {
      // One marker may precede everything.
      if starts.isEmpty, line.indent == 0, String(line.content) == "---" { continue }
      if starts.isEmpty || (line.indent == 0 && !line.isElement) { starts.append(index) }
    }
    return zip(starts, starts.dropFirst() + [lines.endIndex]).map { lines[$0..<$1] }
  }

  private mutating func read(_ key: String, _ field: DriveField, _ report: inout BootReport) throws(FieldError) {
    switch key {
    case "write_files":
      for element in try field.elements(limit: 64) {
        guard let (file, unknown) = report.attempt({ try CloudConfigFile.order(element) }) else { continue }
        files.append(file)
        for key in unknown { report.problem("\(element.name) has \(Quoted.text(key)), which is not known here") }
      }
    case "runcmd":
      for element in try field.elements() {
        if let command = report.attempt({ try Self.command(element) }) ?? nil { commands.append(command) }
      }
    case "timezone": timeZone = try TimeZoneName(field)
    case "ssh_authorized_keys": keys.append((nil, try Self.keys(field)))
    case "users":
      for element in try field.elements() { report.attempt { try readUser(element) } }
    default: throw FieldError(field: "\(Self.name) \(Quoted.text(key))", reason: "is not known here, and left out")
    }
  }

  private static func command(_ field: DriveField) throws(FieldError) -> Command? {
    switch field.value {
    case .null: return nil
    case .sequence:
      var arguments: [String] = []
      for element in try field.elements() { arguments.append(try element.text()) }
      guard let program = arguments.first, !program.isEmpty else { throw field.error("is an empty command") }
      guard arguments.allSatisfy({ !$0.utf8.contains(0) }) else { throw field.error("has a NUL") }
      return .arguments(arguments)
    default:
      let text = try field.text()
      guard !text.utf8.contains(0) else { throw field.error("has a NUL") }
      return .shell(text)
    }
  }

  /// The keys of a user that exists; cloud-init's `default` stands for the image's own.
  private mutating func readUser(_ field: DriveField) throws(FieldError) {
    guard case .mapping(let entries) = field.value else {
      guard try field.text() == "default" else { throw field.error("is no user that this program can make") }
      return
    }
    let name = try field.required("name").text()
    if let list = try field.optional("ssh_authorized_keys") { keys.append((name, try Self.keys(list))) }
    if let other = entries.first(where: { !["name", "ssh_authorized_keys"].contains($0.key) }) {
      throw field.error("has \(Quoted.text(other.key)), which is not known here; only ssh_authorized_keys count")
    }
  }

  private static func keys(_ field: DriveField) throws(FieldError) -> [AuthorizedKey] {
    if case .sequence = field.value {
      var keys: [AuthorizedKey] = []
      for element in try field.elements() { keys += try AuthorizedKey.list(element) }
      return keys
    }
    return try AuthorizedKey.list(field)
  }
}
