// What is too long keeps its beginning and, thrice as long, its end: the newest lines of a log are the ones wanted.

import Files
import Glibc

/// Bytes up to a limit.
struct BoundedBytes: Sendable {
  private let limit: Int
  private var head: [UInt8] = []
  private var tail: [UInt8] = []
  private var total = 0
  private var isCut: Bool { total > limit }

  init(limit: Int) { self.limit = max(4, limit) }

  /// All of a text.
  init(_ bytes: [UInt8], limit: Int) {
    self.init(limit: limit)
    append(bytes)
  }

  mutating func append(_ bytes: [UInt8]) {
    total += bytes.count
    let room = max(0, limit / 4 - head.count)
    head += bytes.prefix(room)
    tail += bytes.dropFirst(room)
    let kept = limit - limit / 4
    // Not at each call, for each moves all that is kept.
    if tail.count > 2 * kept { tail.removeFirst(tail.count - kept) }
  }

  /// Notes that bytes before those appended next were not read.
  mutating func skip(_ count: Int) { total += count }

  /// The bytes; where some are left out, a line says how many.
  ///
  /// Only whole lines are kept at the cut: half of a secret would not be known as one.
  var bytes: [UInt8] {
    guard isCut else { return head + tail }
    let newline = UInt8(ascii: "\n")
    let start = head.lastIndex(of: newline).map { head[...$0] } ?? []
    let last = tail.suffix(limit - limit / 4)
    let end = last.firstIndex(of: newline).map { last[($0 + 1)...] } ?? []
    return start + Array("[... \(total - start.count - end.count) bytes are left out here ...]\n".utf8) + end
  }

  /// Reads a file; only ordinary ones (those of /proc count as such), so that nothing waits for another side.
  static func file(_ path: String, limit: Int) throws(DurableFile.Failure) -> BoundedBytes {
    func failure(_ operation: String, _ number: CInt = errno) -> DurableFile.Failure {
      DurableFile.Failure(operation: operation, path: path, errno: number)
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("open") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("stat") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure("read", EINVAL) }
    var result = BoundedBytes(limit: limit)
    var left = Int(status.st_size) > limit ? limit / 4 : Int.max
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &chunk, min(chunk.count, left))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read") }
      if count == 0 { return result }
      result.append(Array(chunk[..<count]))
      left -= count
      guard left <= 0 else { continue }
      // The middle of a long file is not read at all.
      let end = lseek(descriptor, off_t(-(limit - limit / 4)), SEEK_END)
      guard end >= 0 else { throw failure("seek in") }
      result.skip(max(0, Int(end) - limit / 4))
      left = Int.max
    }
  }
}
