// amphoractl as a process: what it is given, and everything that comes back.

import Foundation
import Testing
import TestSupport

/// A finished run.
struct ProgramResult: Sendable {
  let status: Int32
  let output: String
  let errors: String

  /// Standard output as JSON.
  func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(output.utf8), options: .fragmentsAllowed) }
}

/// A folder with a home of its own, in which amphoractl runs; it vanishes with its owner.
final class ControlProgram: Sendable {
  /// The binary, built beside the tests.
  static let path: String = {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return URL(filePath: program).deletingLastPathComponent().appending(path: "amphoractl").path
  }()

  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "amphoractl-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder + "/home", withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func file(_ name: String) -> String { "\(folder)/\(name)" }

  @discardableResult
  func write(_ text: String, _ name: String) throws -> String {
    let url = URL(filePath: file(name))
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
    return file(name)
  }

  func read(_ name: String) throws -> String { try String(contentsOfFile: file(name), encoding: .utf8) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  func mode(_ name: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? Int ?? -1
  }

  /// A process of amphoractl that is not started yet; it has no environment but what is given.
  func process(_ arguments: [String], environment: [String: String] = [:], program: String = ControlProgram.path)
    -> Process
  {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = ["HOME": file("home"), "PATH": "/usr/bin:/bin"].merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs amphoractl to its end.
  func run(_ arguments: String..., environment: [String: String] = [:], input: [UInt8]? = nil) throws -> ProgramResult {
    try finish(process(arguments, environment: environment), input: input)
  }

  /// Runs any process to its end.
  ///
  /// Both outputs go to files: a pipe that nobody reads would block the writer.
  func finish(_ process: Process, input: [UInt8]? = nil) throws -> ProgramResult {
    let run = UUID().uuidString
    if let input {
      try Data(input).write(to: URL(filePath: file("\(run).in")))
      process.standardInput = try FileHandle(forReadingFrom: URL(filePath: file("\(run).in")))
    }
    for name in ["out", "err"] { try write("", "\(run).\(name)") }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: file("\(run).out")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: file("\(run).err")))
    try process.run()
    process.waitUntilExit()
    defer { for name in ["in", "out", "err"] { try? FileManager.default.removeItem(atPath: file("\(run).\(name)")) } }
    return ProgramResult(
      status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
      output: try read("\(run).out"), errors: try read("\(run).err"))
  }

  /// Runs amphoractl on a terminal that script(1) makes, answering each prompt when it has come.
  func converse(_ command: String, _ turns: [(prompt: String, answer: String)]) async throws -> ProgramResult {
    let process = process(["-qefc", "\(Self.path) \(command)", "/dev/null"], program: "/usr/bin/script")
    try write("", "screen")
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: file("screen")))
    let keyboard = Pipe()
    process.standardInput = keyboard
    try process.run()
    defer { if process.isRunning { process.terminate() } }
    var seen = 0
    for (prompt, answer) in turns {
      let _: Bool = try await poll("the prompt \(prompt)", within: .seconds(60)) {
        let screen = try read("screen").dropFirst(seen)
        guard let range = screen.range(of: prompt) else { return nil }
        seen += screen.distance(from: screen.startIndex, to: range.upperBound)
        return true
      }
      try keyboard.fileHandleForWriting.write(contentsOf: Data("\(answer)\n".utf8))
    }
    try await poll("the end", within: .seconds(60)) { !process.isRunning }
    return ProgramResult(status: process.terminationStatus, output: try read("screen"), errors: "")
  }

  /// Runs openssl; both outputs, or nil when it fails.
  func openssl(_ arguments: String...) throws -> String? {
    let result = try finish(process(arguments, program: "/usr/bin/openssl"))
    return result.status == 0 ? result.output + result.errors : nil
  }
}

/// Where the vectors are: `AMPHORA_VECTORS`, or `../shared/vectors` beside the checkout.
enum VectorFiles {
  static let path: String = {
    if let path = ProcessInfo.processInfo.environment["AMPHORA_VECTORS"] { return path }
    return URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../shared/vectors").standardized
      .path
  }()

  static func names(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
  }

  static let areThere = !names("config").isEmpty && !names("heartbeat").isEmpty
  static let absence: Comment = "the vectors are not beside this checkout; set AMPHORA_VECTORS"
}
