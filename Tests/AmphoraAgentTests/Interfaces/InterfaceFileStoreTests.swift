// The folder of interface files: what one bad file may and may not spoil, and what is on disk.

import Addresses
import Files
import FoundationEssentials
import Glibc
import Testing

@testable import AmphoraAgent

/// A folder that goes with the test.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/amphora-test.XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws {
    try DurableFile.write(Array(text.utf8), to: "\(path)/\(name)", mode: 0o644)
  }
}

@Suite struct InterfaceFileStoreTests {
  @Test func `one unreadable file does not hide the others`() throws {
    let folder = try ScratchFolder()
    try folder.write(ExampleFiles.vipIPv4, to: "eth1.json")
    try folder.write("{ torn", to: "eth3.json")
    try folder.write(ExampleFiles.memberPort, to: "other-name.json")
    try folder.write(ExampleFiles.loopback, to: "lo.json")
    try folder.write("not JSON", to: "README")
    try folder.write("not JSON", to: ".eth9.json.AbCdEf.tmp")
    let contents = InterfaceFileStore(directory: folder.path).loadAll()
    #expect(contents.ordered.map(\.name.text) == ["lo", "eth1", "eth2"])
    #expect(contents.unreadable.map(\.stem) == ["eth3"])
  }

  @Test func `a file is found by the name inside it`() throws {
    let folder = try ScratchFolder()
    try folder.write(ExampleFiles.memberPort, to: "other-name.json")
    try folder.write(ExampleFiles.vipIPv4, to: "eth2.json")
    let store = InterfaceFileStore(directory: folder.path)
    #expect(store.load(.ethernet(2))?.kind == .backend)
    #expect(store.load(.vipPort)?.kind == .vip)
    #expect(store.load(.ethernet(7)) == nil)
  }

  @Test func `a missing folder is empty, and is made for the first file`() throws {
    let folder = try ScratchFolder()
    let store = InterfaceFileStore(directory: "\(folder.path)/a/interfaces")
    #expect(store.loadAll().files.isEmpty)
    try store.storeLoopback()
    #expect(try JSONTree(FileRead.bytes(store.path(of: .loopback))) == JSONTree(ExampleFiles.loopback))
    var status = stat()
    #expect(stat(store.path(of: .loopback), &status) == 0 && status.st_mode & 0o7777 == 0o644)
  }
}

@Suite struct DurableFileTests {
  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func `content and mode are exactly those asked for, whatever stood there`() throws {
    let folder = try ScratchFolder()
    let path = "\(folder.path)/file"
    try DurableFile.write(Array("long former content".utf8), to: path, mode: 0o666)
    #expect(mode(path) == 0o666)
    let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
    try DurableFile.write(bytes, to: path, mode: 0o600)
    #expect(try FileRead.bytes(path) == bytes)
    #expect(mode(path) == 0o600)
    #expect(FileRead.names(in: folder.path) == ["file"])
  }

  @Test func `a failed write leaves no trace and names path and errno`() throws {
    let folder = try ScratchFolder()
    try DurableFile.createDirectory("\(folder.path)/taken", mode: 0o700)
    do {
      try DurableFile.write([1], to: "\(folder.path)/taken", mode: 0o644)
      Issue.record("a folder was replaced by a file")
    } catch {
      #expect(error.errno == EISDIR && error.path == "\(folder.path)/taken")
    }
    #expect(FileRead.names(in: folder.path) == ["taken"])
    do {
      try DurableFile.write([1], to: "\(folder.path)/missing/file", mode: 0o644)
      Issue.record("a file was written into a folder that is not there")
    } catch {
      #expect(error.errno == ENOENT)
    }
  }

  @Test func `leftovers of a crash are told from other files`() throws {
    let folder = try ScratchFolder()
    for name in [
      ".eth1.json.AbC123.tmp", ".x.tmp", "eth1.json.AbC123.tmp", ".a.AbC12.tmp", ".a.AbC-23.tmp", "eth1.json",
    ] {
      try DurableFile.write([], to: "\(folder.path)/\(name)", mode: 0o644)
    }
    #expect(try DurableFile.removeLeftovers(in: folder.path) == [".eth1.json.AbC123.tmp"])
    #expect(FileRead.names(in: folder.path).count == 5)
    #expect(try DurableFile.removeLeftovers(in: "\(folder.path)/missing") == [])
  }

  @Test func `folders are made with their parents, and removing what is not there is fine`() throws {
    let folder = try ScratchFolder()
    try DurableFile.createDirectory("\(folder.path)/a/b/c", mode: 0o700)
    #expect(mode("\(folder.path)/a/b/c") == 0o700 && mode("\(folder.path)/a/b") == 0o755)
    try DurableFile.createDirectory("\(folder.path)/a/b/c", mode: 0o755)
    #expect(mode("\(folder.path)/a/b/c") == 0o700)
    try DurableFile.createDirectory("\(folder.path)/d/e", mode: 0o700, parents: 0o700)
    #expect(mode("\(folder.path)/d") == 0o700 && mode("\(folder.path)/d/e") == 0o700)
    try DurableFile.write([1], to: "\(folder.path)/a/file", mode: 0o600)
    try DurableFile.remove("\(folder.path)/a/file")
    try DurableFile.remove("\(folder.path)/a/file")
    #expect(FileRead.names(in: "\(folder.path)/a") == ["b"])
  }

  @Test func `a reader beside a writer sees the old content or the new`() async throws {
    let folder = try ScratchFolder()
    let path = "\(folder.path)/file"
    let old = [UInt8](repeating: 1, count: 100_000)
    let new = [UInt8](repeating: 2, count: 200_000)
    try DurableFile.write(old, to: path, mode: 0o644)
    // Readers beside a writer see what a crash would leave at that moment.
    async let writer: Void = Task.detached {
      for round in 0..<100 { try DurableFile.write(round % 2 == 0 ? new : old, to: path, mode: 0o644) }
    }.value
    for _ in 0..<300 {
      let seen = try FileRead.bytes(path)
      #expect(seen == old || seen == new)
    }
    try await writer
  }
}
