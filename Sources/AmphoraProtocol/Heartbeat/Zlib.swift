// zlib streams (RFC 1950) in memory. The only file that imports CZlib.

import CZlib

/// zlib could not compress, which it does only for lack of memory.
public struct ZlibFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// zlib's return code.
  public let code: Int

  /// The failure in words.
  public var description: String { "zlib could not compress the heartbeat: code \(code)" }
}

enum Zlib {
  /// Compresses in one step; the result has room for `extraCapacity` more bytes.
  static func deflate(_ input: [UInt8], level: Int32, extraCapacity: Int) throws(ZlibFailure) -> [UInt8] {
    let deflater = try Deflater(level: level)
    let (output, result) = deflater.finish(input, extraCapacity: extraCapacity)
    guard result == Z_STREAM_END else { throw ZlibFailure(code: Int(result)) }
    return output
  }

  /// Inflates up to the end of the stream; bytes behind it are ignored.
  static func inflate(_ input: ArraySlice<UInt8>, maximumBytes: Int) throws(HeartbeatRejection) -> [UInt8] {
    let inflater = try Inflater(input: Array(input))
    var output: [UInt8] = []
    // One byte more than is allowed tells "exactly the limit" from "beyond".
    var capacity = min(max(input.count * 8, 4096), maximumBytes + 1)
    while true {
      let result = inflater.advance(&output, upTo: capacity)
      switch result {
      case Z_STREAM_END where output.count <= maximumBytes: return output
      case Z_STREAM_END, Z_OK, Z_BUF_ERROR:
        guard output.count <= maximumBytes else { throw .inflatedTooLarge(limit: maximumBytes) }
        // Output space left over means that zlib stopped for want of input.
        guard output.count == capacity else { throw .truncatedStream }
        capacity = min(capacity * 4, maximumBytes + 1)
      case Z_NEED_DICT: throw .notZlib(reason: "a preset dictionary is needed")
      case Z_DATA_ERROR:
        // The two header bytes of RFC 1950 carry their own check.
        throw inflater.consumed <= 2
          ? .notZlib(reason: inflater.reason) : .corruptStream(reason: inflater.reason)
      default: throw .inflateFailed(code: Int(result))
      }
    }
  }
}

/// A compressing stream.
///
/// zlib's state points back at the stream, so it must not move: it lives on the heap.
private final class Deflater {
  /// Window of 2^15 bytes with a zlib header: what every inflater takes.
  private static let windowBits: Int32 = 15
  /// zlib's default amount of state.
  private static let memoryLevel: Int32 = 8

  private let stream: UnsafeMutablePointer<z_stream>

  init(level: Int32) throws(ZlibFailure) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let result = amphora_deflate_init2(stream, level, Self.windowBits, Self.memoryLevel)
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

/// A decompressing stream over input that is in memory.
private final class Inflater {
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: [UInt8]

  init(input: [UInt8]) throws(HeartbeatRejection) {
    self.input = input
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let result = amphora_inflate_init(stream)
    guard result == Z_OK else { throw .inflateFailed(code: Int(result)) }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Bytes of the input that were used.
  var consumed: Int { Int(stream.pointee.total_in) }

  /// What zlib says about an error.
  var reason: String { stream.pointee.msg.map { String(cString: $0) } ?? "no reason given" }

  /// Inflates on, until `output` has `capacity` bytes or zlib stops; zlib's result code.
  func advance(_ output: inout [UInt8], upTo capacity: Int) -> Int32 {
    let done = consumed
    var result = Z_OK
    let piece = [UInt8](unsafeUninitializedCapacity: capacity - output.count) { buffer, count in
      input.withUnsafeBufferPointer { source in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress.map { $0 + done })
        stream.pointee.avail_in = UInt32(source.count - done)
        stream.pointee.next_out = buffer.baseAddress
        stream.pointee.avail_out = UInt32(buffer.count)
        result = CZlib.inflate(stream, Z_NO_FLUSH)
        count = buffer.count - Int(stream.pointee.avail_out)
      }
    }
    output.append(contentsOf: piece)
    return result
  }
}
