// The archive, as tar(1) reads it, and what happens to what is too long.

import Files
import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct TarArchiveTests {
  @Test func `tar unpacks it`() async throws {
    let folder = try LabFolder()
    var tar = TarArchive(time: 1_700_000_000)
    let long =
      String(repeating: "d", count: 90) + "/" + String(repeating: "e", count: 60) + "/"
      + String(repeating: "f", count: 99)
    let files: [(String, [UInt8])] = [
      ("a/empty", []), ("a/block", [UInt8](repeating: 7, count: 512)), ("a/text", Array("hello\n".utf8)), (long, [1]),
    ]
    let isTaken = files.map { tar.append($0.1, named: $0.0) }
    #expect(!isTaken.contains(false))
    let isTooLong = [String(repeating: "x", count: 101), String(repeating: "x/", count: 150)]
      .map { !tar.append([], named: $0) }
    #expect(isTooLong == [true, true])
    try DurableFile.write(tar.finished(), to: "\(folder.path)/a.tar", mode: 0o600)
    let listing = try await Command.run(
      "tar", ["--list", "--verbose", "--numeric-owner", "-f", "\(folder.path)/a.tar"])
    #expect(listing.isSuccess)
    #expect(listing.output.split(separator: "\n").count == 4)
    #expect(listing.output.split(separator: "\n").allSatisfy { $0.hasPrefix("-rw------- 0/0 ") }, "\(listing.output)")
    #expect(try await Command.run("tar", ["-x", "-f", "\(folder.path)/a.tar", "-C", folder.path]).output == "")
    for (name, bytes) in files { #expect(try FileRead.bytes("\(folder.path)/\(name)") == bytes, "\(name)") }
  }

  @Test func `what is too long keeps its beginning and its end, in whole lines`() throws {
    let text = (1...1000).map { "line \($0)\n" }.joined()
    let cut = BoundedBytes(Array(text.utf8), limit: 1000).bytes
    let lines = String(decoding: cut, as: UTF8.self).split(separator: "\n")
    #expect(lines.first == "line 1" && lines.last == "line 1000")
    #expect(lines.allSatisfy { $0.hasPrefix("line ") || $0.hasPrefix("[... ") })
    let kept = lines.filter { $0.hasPrefix("line ") }
    let mark = try #require(lines.first { $0.hasPrefix("[...") })
    let left = text.utf8.count - kept.reduce(0) { $0 + $1.utf8.count + 1 }
    #expect(mark == "[... \(left) bytes are left out here ...]")
    #expect(cut.count <= 1000 + mark.utf8.count + 1)
    #expect(BoundedBytes(Array(text.utf8), limit: text.utf8.count).bytes == Array(text.utf8))
    // Without line ends there is no telling where a secret begins.
    #expect(
      String(decoding: BoundedBytes([UInt8](repeating: 65, count: 1001), limit: 1000).bytes, as: UTF8.self)
        == "[... 1001 bytes are left out here ...]\n")
  }

  @Test func `of a long file the middle is not read`() throws {
    let folder = try LabFolder()
    let text = (1...1000).map { "line \($0)\n" }.joined()
    try folder.write("long", text)
    #expect(
      try BoundedBytes.file("\(folder.path)/long", limit: 1000).bytes
        == BoundedBytes(Array(text.utf8), limit: 1000).bytes)
    #expect(try BoundedBytes.file("\(folder.path)/long", limit: 20_000).bytes == Array(text.utf8))
    #expect(try !BoundedBytes.file("/proc/self/status", limit: 20_000).bytes.isEmpty)
    // A FIFO without a writer would hold an ordinary read for ever.
    mkfifo("\(folder.path)/fifo", 0o600)
    #expect(throws: DurableFile.Failure.self) { try BoundedBytes.file("\(folder.path)/fifo", limit: 10) }
  }

  @Test func `programs are bounded in time and length`() async throws {
    let long = try await BundleCommand.run(["/bin/sh", "-c", "seq 1 100000"], limit: 1000, timeout: .seconds(10))
    #expect(long.bytes.count < 1100 && long.problem == nil)
    #expect(String(decoding: long.bytes, as: UTF8.self).hasSuffix("\n100000\n"))
    let slow = try await BundleCommand.run(
      ["/bin/sh", "-c", "echo begun; sleep 600"], limit: 1000, timeout: .seconds(1))
    #expect(String(decoding: slow.bytes, as: UTF8.self) == "begun\n")
    #expect(slow.problem?.contains("did not end within") == true)
    let failed = try await BundleCommand.run(
      ["/bin/sh", "-c", "echo oh >&2; exit 3"], limit: 1000, timeout: .seconds(10))
    #expect(String(decoding: failed.bytes, as: UTF8.self) == "oh\n" && failed.problem == "exit status 3")
    await #expect(throws: CommandError.self) {
      try await BundleCommand.run(["/nonexistent/program"], limit: 10, timeout: .seconds(1))
    }
  }
}
