// The real haproxy, for tests: what it says about a configuration, and what it does with one.

import Foundation
import Testing

/// haproxy as installed on this machine.
enum HAProxyProcess {
  static let path = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"].first(where: access)
  static let opensslPath = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first(where: access)

  private static func access(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

  /// What `haproxy -c` complains about; nil when it accepts the configuration, as the agent asks it to.
  static func complaint(about configuration: String, peer: String?) throws -> String? {
    let folder = try TemporaryFolder()
    let file = try folder.write(configuration, to: "haproxy.cfg")
    // The file that the agent adds to each configuration: Debian's "nobody" has the group "nogroup".
    let group = try folder.write("global\n    group nogroup\n", to: "group.cfg")
    let (status, output) = try run(
      path ?? "haproxy", ["-c", "-f", file, "-f", group] + (peer.map { ["-L", $0] } ?? []))
    return status == 0 ? nil : output
  }

  /// Runs a program to its end.
  static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}

/// A folder that is removed when nobody needs it any more.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = "\(NSTemporaryDirectory())/amphora-rendering-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    let folder = URL(filePath: file).deletingLastPathComponent().path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(filePath: file))
    return file
  }
}
