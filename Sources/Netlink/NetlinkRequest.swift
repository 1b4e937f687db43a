// Requests as bytes: header struct and attributes, built as plain values, so that tests can read what will be sent.
// Sequence numbers, acknowledgements and errors are `NetlinkHandle`'s and libnl's part.

import CNetlink

/// A request of the routing family that the kernel answers with an acknowledgement or an error.
struct NetlinkRequest: Hashable, Sendable {
  /// The message type, such as `RTM_NEWLINK`.
  let type: Int32
  /// Message flags; libnl adds `NLM_F_REQUEST` and `NLM_F_ACK`.
  let flags: Int32
  /// Everything after the netlink message header.
  private(set) var body: [UInt8]

  /// Starts a request with the fixed header of its type, a C struct without padding.
  init(_ type: Int, flags: Int32 = 0, header: some BitwiseCopyable) {
    self.type = Int32(type)
    self.flags = flags
    body = withUnsafeBytes(of: header) { Array($0) }
  }

  /// Appends an attribute: length and type, 16 bits each in host order, then the value, padded to 4 bytes.
  mutating func append(_ type: Int, _ value: some Collection<UInt8>) {
    append(header: type, length: 4 + value.count)
    body += value
    while body.count % 4 != 0 { body.append(0) }
  }

  /// Appends an attribute that is a number in host order.
  mutating func append(_ type: Int, _ value: some FixedWidthInteger & BitwiseCopyable) {
    withUnsafeBytes(of: value) { append(type, Array($0)) }
  }

  /// Appends an attribute that is a text ending in a zero byte.
  mutating func append(_ type: Int, _ value: String) { append(type, Array(value.utf8) + [0]) }

  /// Appends an attribute that holds what `content` appends.
  mutating func append(_ type: Int, nested content: (inout NetlinkRequest) -> Void) {
    let start = body.count
    append(header: type, length: 0)
    content(&self)
    withUnsafeBytes(of: UInt16(body.count - start)) { body.replaceSubrange(start..<start + 2, with: $0) }
  }

  /// Appends bytes as they are: the fixed struct inside `VETH_INFO_PEER`.
  mutating func append(raw value: some BitwiseCopyable) { withUnsafeBytes(of: value) { body += $0 } }

  private mutating func append(header type: Int, length: Int) {
    // Lengths are bounded by the caller's types: names of 15 bytes, addresses of 16.
    withUnsafeBytes(of: UInt16(truncatingIfNeeded: length)) { body += $0 }
    withUnsafeBytes(of: UInt16(truncatingIfNeeded: type)) { body += $0 }
  }
}
