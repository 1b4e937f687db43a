// The memory on disk.

import AmphoraProtocol
import FoundationEssentials
import Glibc
import Testing

@testable import AmphoraController

@Suite struct StateDirectoryTests {
  private let id = LoadBalancerID(unchecked: ProcedureSample.loadBalancer)

  private func withState(_ body: (StateDirectory) throws -> Void) throws {
    let path = "/tmp/amphora-state-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(try StateDirectory("\(path)/deep/state"))
  }

  private func record() throws -> LoadBalancerRecord {
    var record = LoadBalancerRecord(
      id: id, topology: .single, vips: try ProcedureSample.document().loadBalancer.virtualAddresses())
    record.subnets = ProcedureSample.subnets
    record.amphorae = [AmphoraRecord(id: ProcedureSample.amphora, role: .standalone)]
    return record
  }

  @Test func `what is written is read again, by another value for the same folder`() throws {
    try withState { state in
      let lock = try state.lock(id)
      let journal = ProcedureJournal(
        operation: .failOver(amphorae: [ProcedureSample.amphora]),
        steps: [
          PlannedStep(
            step: .attachPort(port: try ProcedureSample.id(1), amphora: ProcedureSample.amphora), mayFail: true,
            name: "x")
        ], completed: 0)
      try state.write(record())
      try state.write(ProcedureSample.document(), of: id)
      try state.write(journal, of: id)
      let other = try StateDirectory(state.path)
      #expect(try other.record(id) == record())
      #expect(try other.desired(id) == ProcedureSample.document())
      #expect(try other.journal(id) == journal)
      #expect(try other.loadBalancers() == [id])
      #expect(try other.loadBalancer(with: ProcedureSample.amphora) == id)
      withExtendedLifetime(lock) {}
    }
  }

  @Test func `files are readable by their owner only`() throws {
    try withState { state in
      let lock = try state.lock(id)
      try state.write(record())
      var status = stat()
      #expect(stat("\(state.path)/\(id)/record.json", &status) == 0 && status.st_mode & 0o777 == 0o600)
      #expect(stat("\(state.path)/\(id)", &status) == 0 && status.st_mode & 0o777 == 0o700)
      withExtendedLifetime(lock) {}
    }
  }

  @Test func `a second lock on the same load balancer is refused and names the holder, until the first is gone`() throws
  {
    try withState { state in
      var first: StateLock? = try state.lock(id)
      #expect(throws: ProcedureError.self) { _ = try state.lock(id) }
      do { _ = try state.lock(id) } catch let error as ProcedureError {
        #expect("\(error)".contains("(\(getpid()))"), "\(error)")
      }
      let other = LoadBalancerID(unchecked: ProcedureSample.uuid(7))
      _ = try state.lock(other)
      withExtendedLifetime(first) {}
      first = nil
      _ = try state.lock(id)
    }
  }

  @Test func `a forgotten load balancer leaves nothing, also when a forgetting was cut before`() throws {
    try withState { state in
      let lock = try state.lock(id)
      try state.write(record())
      // What a crash between the rename and the removal leaves.
      mkdir("\(state.path)/.\(id).deleted", 0o700)
      try Data("{}".utf8).write(to: URL(filePath: "\(state.path)/.\(id).deleted/record.json"))
      #expect(try state.loadBalancers() == [id])
      try state.forget(id)
      #expect(try FileManager.default.contentsOfDirectory(atPath: state.path) == [])
      withExtendedLifetime(lock) {}
    }
  }

  @Test func `a file that is damaged is an error with its path`() throws {
    try withState { state in
      let lock = try state.lock(id)
      try Data("{".utf8).write(to: URL(filePath: "\(state.path)/\(id)/record.json"))
      #expect { try state.record(id) } throws: { "\($0)".contains("\(state.path)/\(id)/record.json") }
      withExtendedLifetime(lock) {}
    }
  }
}
