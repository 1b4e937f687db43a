// OpenSSL reads and writes through BIOs; these are in memory.

import CCrypto

/// A BIO over bytes in memory.
final class MemoryBIO {
  let pointer: OpaquePointer
  // A reading BIO does not copy its bytes, so they live as long as it does.
  private let source: UnsafeMutableBufferPointer<UInt8>?

  /// An empty BIO to write into.
  init() throws(CryptoError) {
    source = nil
    pointer = try require(BIO_new(BIO_s_mem()), "make a memory buffer")
  }

  /// A BIO to read from.
  init(reading bytes: some Collection<UInt8>) throws(CryptoError) {
    guard bytes.count <= Int32.max else { throw CryptoError(.malformed, "read more than 2 GiB") }
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
    _ = copy.initialize(from: bytes)
    guard let pointer = BIO_new_mem_buf(copy.baseAddress, Int32(bytes.count)) else {
      copy.deallocate()
      throw CryptoError(.failed, "make a memory buffer")
    }
    source = copy
    self.pointer = pointer
  }

  deinit {
    BIO_free_all(pointer)
    // The bytes may have been a private key.
    if let source {
      OPENSSL_cleanse(source.baseAddress, source.count)
      source.deallocate()
    }
  }

  /// Everything that was written.
  func readAll() -> [UInt8] {
    let count = BIO_ctrl_pending(pointer)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = max(0, Int(BIO_read(pointer, buffer.baseAddress, Int32(count))))
    }
  }
}
