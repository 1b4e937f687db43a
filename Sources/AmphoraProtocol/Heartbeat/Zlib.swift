// zlib streams (RFC 1950) in memory. The only file that imports CZlib.

import CZlib

/// zlib could not compress, which it does only for lack of memory.
public struct ZlibFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// zlib's return code.
  public let code: Int

  /// The failure in words.
  public var description: String { "zlib could not compress: code \(code)" }
}

/// Files in gzip's format (RFC 1952).
package enum Gzip {
  /// Compresses in one step.
  package static func compress(_ input: [UInt8]) throws(ZlibFailure) -> [UInt8] {
    // 16 more than the window asks for gzip's header and trailer, whose size deflateBound(3) knows.
    let deflater = try Deflater(level: 6, windowBits: Deflater.windowBits + 16)
    let (output, result) = deflater.finish(input, extraCapacity: 0)
    guard result == Z_STREAM_END else { throw ZlibFailure(code: Int(result)) }
    return output
  }
}

enum Zlib {
  /// Compresses in one step; the result has room for `extraCapacity` more bytes.
  static func deflate(_ input: [UInt8], level: Int32, extraCapacity: Int) throws(ZlibFailure) -> [UInt8] {
    let deflater = try Deflater(level: level)
    let (output, result) = deflater.finish(input, extraCapacity: extraCapacity)
    guard result == Z_STREAM_END else { throw ZlibFailure(code: Int(result)) }
    return output
  }
}

/// A compressing stream.
///
/// zlib's state points back at the stream, so it must not move: it lives on the heap.
private final class Deflater {
  /// Window of 2^15 bytes with a zlib header: what every inflater takes.
  static let windowBits: Int32 = 15
  /// zlib's default amount of state.
  private static let memoryLevel: Int32 = 8

  private let stream: UnsafeMutablePointer<z_stream>

  init(level: Int32, windowBits: Int32 = Deflater.windowBits) throws(ZlibFailure) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let result = amphora_deflate_init2(stream, level, windowBits, Self.memoryLevel)
    guard result == Z_OK else { throw ZlibFailure(code: Int(result)) }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  func finish(_ input: [UInt8], extraCapacity: Int) -> (output: [UInt8], result: Int32) {
    let bound = Int(deflateBound(stream, UInt(input.count)))
    var result = Z_OK
    let output = [UInt8](unsafeUninitializedCapacity: bound + extraCapacity) { buffer, count in
      input.withUnsafeBufferPointer { source in
        // zlib reads through next_in without writing; the field lacks `const` for old compilers' sake.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(source.count)
        stream.pointee.next_out = buffer.baseAddress
        stream.pointee.avail_out = UInt32(bound)
        result = CZlib.deflate(stream, Z_FINISH)
      }
      count = bound - Int(stream.pointee.avail_out)
    }
    return (output, result)
  }
}

/// A decompressing stream that is used again and again.
///
/// zlib's state points back at the stream, so it must not move: it lives on the heap.
final class Inflater {
  /// A buffer that grew beyond this for a rare large message is given back after it.
  private static let keptBytes = 1 << 20

  private let stream: UnsafeMutablePointer<z_stream>
  private var buffer: [UInt8] = []

  init() throws(HeartbeatRejection) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let result = amphora_inflate_init(stream)
    guard result == Z_OK else {
      stream.deallocate()
      throw .inflateFailed(code: Int(result))
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Inflates up to the end of the stream; bytes behind it are ignored.
  func inflate(_ input: UnsafeRawBufferPointer, maximumBytes: Int) throws(HeartbeatRejection) -> [UInt8] {
    defer { if buffer.count > Self.keptBytes { buffer = [] } }
    // zlib takes a null pointer for an error of the caller; an empty payload is a truncated one.
    guard let start = input.baseAddress, !input.isEmpty else { throw .truncatedStream }
    inflateReset(stream)
    // zlib reads through next_in without writing; the field lacks `const` for old compilers' sake.
    stream.pointee.next_in = UnsafeMutableRawPointer(mutating: start).assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(input.count)
    var written = 0
    // One byte more than is allowed tells "exactly the limit" from "beyond".
    grow(to: min(max(input.count * 8, 4096), maximumBytes + 1))
    while true {
      let limit = min(buffer.count, maximumBytes + 1)
      let result = advance(&written, upTo: limit)
      switch result {
      case Z_STREAM_END where written <= maximumBytes: return Array(buffer[..<written])
      case Z_STREAM_END, Z_OK, Z_BUF_ERROR:
        guard written <= maximumBytes else { throw .inflatedTooLarge(limit: maximumBytes) }
        // Output space left over means that zlib stopped for want of input.
        guard written == limit else { throw .truncatedStream }
        grow(to: min(limit * 4, maximumBytes + 1))
      case Z_NEED_DICT: throw .notZlib(reason: "a preset dictionary is needed")
      case Z_DATA_ERROR:
        // The two header bytes of RFC 1950 carry their own check.
        throw stream.pointee.total_in <= 2 ? .notZlib(reason: reason) : .corruptStream(reason: reason)
      default: throw .inflateFailed(code: Int(result))
      }
    }
  }

  private func grow(to count: Int) {
    if buffer.count < count { buffer.append(contentsOf: repeatElement(0, count: count - buffer.count)) }
  }

  /// What zlib says about an error.
  private var reason: String { stream.pointee.msg.map { String(cString: $0) } ?? "no reason given" }

  /// Inflates on, until `written` is `limit` or zlib stops; zlib's result code.
  private func advance(_ written: inout Int, upTo limit: Int) -> Int32 {
    let begin = written
    let result = buffer.withUnsafeMutableBufferPointer { output in
      stream.pointee.next_out = output.baseAddress.map { $0 + begin }
      stream.pointee.avail_out = UInt32(limit - begin)
      return CZlib.inflate(stream, Z_NO_FLUSH)
    }
    written = limit - Int(stream.pointee.avail_out)
    return result
  }
}
