// The controller's memory: one folder of JSON files, no database. ROOT/LB/desired.json, record.json, journal.json, lock.

public import AmphoraProtocol
import FoundationEssentials
import Glibc

/// The folder with everything a controller remembers of its load balancers.
///
/// Files are replaced whole and are readable by their owner only.
public struct StateDirectory: Sendable {
  /// The folder's path.
  public let path: String

  /// Takes a folder, made with mode 0700 when it is missing.
  public init(_ path: String) throws(ProcedureError) {
    self.path = path
    try Self.makeFolder(path)
  }

  /// The load balancers on record, by id.
  public func loadBalancers() throws -> [LoadBalancerID] {
    try SecretFile.names(in: path).compactMap { LoadBalancerID($0) }.filter { try record($0) != nil }
      .sorted { $0.text < $1.text }
  }

  /// A load balancer as it was made; nil when there is none.
  public func record(_ id: LoadBalancerID) throws -> LoadBalancerRecord? { try read("record", of: id) }

  /// The document that was last applied, or is being applied.
  public func desired(_ id: LoadBalancerID) throws -> LoadBalancerDocument? { try read("desired", of: id) }

  /// The load balancer that has an amphora.
  public func loadBalancer(with amphora: AmphoraID) throws -> LoadBalancerID? {
    try loadBalancers().first { try record($0)?.amphora(amphora) != nil }
  }

  /// Whether a run on a load balancer did not come to its end.
  public func hasInterruptedRun(_ id: LoadBalancerID) throws -> Bool { try journal(id) != nil }

  func journal(_ id: LoadBalancerID) throws -> ProcedureJournal? { try read("journal", of: id) }

  func write(_ record: LoadBalancerRecord) throws { try write(record, "record", of: record.id) }
  func write(_ desired: LoadBalancerDocument, of id: LoadBalancerID) throws { try write(desired, "desired", of: id) }
  func write(_ journal: ProcedureJournal, of id: LoadBalancerID) throws { try write(journal, "journal", of: id) }

  func removeJournal(_ id: LoadBalancerID) throws {
    let path = file("journal", of: id)
    guard unlink(path) == 0 || errno == ENOENT else { throw Self.failure(path) }
  }

  /// Forgets a load balancer: its folder is renamed first, so that a crash leaves all of it or nothing.
  func forget(_ id: LoadBalancerID) throws {
    let gone = "\(path)/.\(id).deleted"
    // One that a crash left would be in the way of the rename.
    try Self.removeFolder(gone)
    guard rename(folder(id), gone) == 0 || errno == ENOENT else { throw Self.failure(folder(id)) }
    try Self.removeFolder(gone)
  }

  /// Keeps other processes, and other tasks of this one, from working on a load balancer until the lock goes away.
  func lock(_ id: LoadBalancerID) throws -> StateLock {
    try Self.makeFolder(folder(id))
    let path = "\(folder(id))/lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(path) }
    let lock = StateLock(takingOwnershipOf: descriptor)
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw ProcedureError.locked(id, process: lock.owner)
    }
    // The folder may have been removed, and made anew, between open and flock.
    guard lock.isAt(path) else { return try self.lock(id) }
    lock.writeOwner()
    return lock
  }

  /// Removes the folder of a load balancer of which nothing is on record.
  func removeIfEmpty(_ id: LoadBalancerID) throws {
    if try record(id) == nil { try forget(id) }
  }

  // MARK: Files

  private func folder(_ id: LoadBalancerID) -> String { "\(path)/\(id)" }
  private func file(_ name: String, of id: LoadBalancerID) -> String { "\(folder(id))/\(name).json" }

  private func read<Value: Decodable>(_ name: String, of id: LoadBalancerID) throws -> Value? {
    let path = file(name, of: id)
    do {
      return try JSONDecoder().decode(Value.self, from: Data(SecretFile.read(path)))
    } catch let error as SecretFileError {
      if error.errorNumber == ENOENT { return nil }
      throw ProcedureError.state(path: path, reason: "\(error)")
    } catch {
      throw ProcedureError.state(path: path, reason: "is not what this program writes: \(error)")
    }
  }

  private func write(_ value: some Encodable, _ name: String, of id: LoadBalancerID) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let path = file(name, of: id)
    do {
      try SecretFile.write(String(decoding: encoder.encode(value), as: UTF8.self) + "\n", to: path)
    } catch {
      throw ProcedureError.state(path: path, reason: "\(error)")
    }
  }

  private static func makeFolder(_ path: String) throws(ProcedureError) {
    do { try SecretFile.makeFolder(path) } catch { throw .state(path: path, reason: "\(error)") }
  }

  private static func removeFolder(_ path: String) throws {
    for name in try SecretFile.names(in: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  private static func failure(_ path: String) -> ProcedureError {
    .state(path: path, reason: String(cString: strerror(errno)))
  }
}

/// A held lock; the kernel takes it back when the process ends, however that happens.
final class StateLock: Sendable {
  private let descriptor: Int32

  init(takingOwnershipOf descriptor: Int32) { self.descriptor = descriptor }
  deinit {
    // A child that somebody forks at this moment has the descriptor too until it runs its program; closing ours alone would
    // leave the lock with it.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  /// The process that wrote its number last.
  var owner: Int32? {
    var text = [UInt8](repeating: 0, count: 16)
    let count = pread(descriptor, &text, text.count, 0)
    return count > 0 ? Int32(String(decoding: text[..<count], as: UTF8.self).prefix { $0.isNumber }) : nil
  }

  /// Whether this is still the file of that name.
  func isAt(_ path: String) -> Bool {
    var held = stat()
    var named = stat()
    return fstat(descriptor, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
  }

  func writeOwner() {
    let text = Array("\(getpid())\n".utf8)
    ftruncate(descriptor, 0)
    _ = pwrite(descriptor, text, text.count, 0)
  }
}
