// The one owner of libnl's `struct nl_sock`: opened, used and freed here, never seen outside the module.

import CNetlink
import Glibc

/// A connected socket of libnl, of the routing family unless told otherwise.
///
/// It belongs for good to the network namespace of the thread that opened it.
///
/// `@unchecked Sendable`: the pointers have one owner, which cannot be copied, so one thread at a time can reach them;
/// libnl ties nothing to the opening thread.
struct NetlinkHandle: ~Copyable, @unchecked Sendable {
  private let socket: OpaquePointer
  private let answer: UnsafeMutablePointer<Answer>

  /// What the kernel said to the last request, written by the callbacks below.
  private struct Answer {
    /// The acknowledgement, or the end of a dump, has come.
    var isComplete = false
    /// `struct nl_object`s, one reference each.
    var objects: [OpaquePointer] = []
    /// What follows the message header, of families that libnl has no objects for.
    var payloads: [[UInt8]] = []
    /// Of a refused request.
    ///
    /// libnl itself returns only a code that stands for several errnos.
    var errno: Int32 = 0
    var message: String?
  }

  /// Opens a socket in the calling thread's namespace.
  ///
  /// - Parameter family: `NETLINK_ROUTE` or `NETLINK_GENERIC`.
  init(_ family: Int32 = NETLINK_ROUTE) throws(NetlinkError) {
    guard let socket = nl_socket_alloc() else { throw NetlinkError("open", "netlink socket", errno: ENOMEM) }
    let result = nl_connect(socket, family)
    guard result == 0 else {
      nl_socket_free(socket)
      throw NetlinkError("open", "netlink socket", libnlResult: result)
    }
    self.socket = socket
    answer = .allocate(capacity: 1)
    answer.initialize(to: Answer())
    nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, Self.onError, answer)
    let onValid = family == NETLINK_ROUTE ? Self.onMessage : Self.onPayload
    nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, onValid, answer)
    for end in [NL_CB_ACK, NL_CB_FINISH] { nl_socket_modify_cb(socket, end, NL_CB_CUSTOM, Self.onEnd, answer) }
    // Answers are matched by order instead: requests are strictly one after the other, and what a failed one may leave
    // behind is read away. With the check on, one lost answer would make each later request fail.
    nl_socket_disable_seq_check(socket)
    for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK] {
      var on: Int32 = 1
      // Refused only by kernels before 4.12, which then send no sentence; nothing else depends on it.
      _ = setsockopt(descriptor, SOL_NETLINK, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  deinit {
    nl_socket_free(socket)
    answer.deinitialize(count: 1)
    answer.deallocate()
  }

  /// The socket's file descriptor.
  var descriptor: Int32 { nl_socket_get_fd(socket) }

  /// Sends a request, reads the answer to its end, and returns what `parse` makes of the objects in it.
  borrowing func exchange<Value>(
    _ request: NetlinkRequest, _ operation: String, _ object: String, _ parse: (OpaquePointer) -> Value?
  ) throws(NetlinkError) -> [Value] {
    defer { reset() }
    try complete(request, operation, object)
    return answer.pointee.objects.compactMap(parse)
  }

  /// As ``exchange(_:_:_:_:)`` for families that libnl has no objects for: what follows each message's header.
  borrowing func payloads(
    _ request: NetlinkRequest, _ operation: String, _ object: String
  ) throws(NetlinkError) -> [[UInt8]] {
    defer { reset() }
    try complete(request, operation, object)
    return answer.pointee.payloads
  }

  private borrowing func complete(
    _ request: NetlinkRequest, _ operation: String, _ object: String
  ) throws(NetlinkError) {
    // A dump during which something changed may lack objects or hold them twice. 16 in a row means that the
    // configuration changes all the time; then an error is better than to ask for ever.
    var result: Int32 = 0
    for _ in 0..<16 {
      result = exchange(request)
      if result != -NLE_DUMP_INTR { break }
    }
    guard result < 0 else { return }
    if answer.pointee.errno != 0 {
      throw NetlinkError(operation, object, errno: answer.pointee.errno, message: answer.pointee.message)
    }
    // Not the kernel's refusal, so the rest of an answer may still be queued.
    discardInput()
    throw NetlinkError(operation, object, libnlResult: result)
  }

  /// Subscribes to a multicast group of the kernel's, such as `RTNLGRP_LINK`.
  borrowing func join(_ group: rtnetlink_groups) throws(NetlinkError) {
    let result = nl_socket_add_membership(socket, Int32(group.rawValue))
    guard result == 0 else { throw NetlinkError("join", "netlink group \(group.rawValue)", libnlResult: result) }
  }

  /// Reads away what is queued.
  ///
  /// True when there was something, or when so much came that the kernel dropped some.
  @discardableResult borrowing func discardInput() -> Bool {
    var found = false
    return withUnsafeTemporaryAllocation(byteCount: 32768, alignment: 8) { buffer in
      while true {
        if recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) > 0 {
          found = true
        } else if errno == ENOBUFS {
          found = true
        } else if errno != EINTR {
          return found
        }
      }
    }
  }

  /// One round; returns 0 or libnl's negative code.
  private borrowing func exchange(_ request: NetlinkRequest) -> Int32 {
    reset()
    guard let message = nlmsg_alloc_simple(request.type, request.flags) else { return -NLE_NOMEM }
    defer { nlmsg_free(message) }
    var body = request.body
    var result = nlmsg_append(message, &body, body.count, Int32(NLMSG_ALIGNTO))
    // Adds the sequence number and the request and acknowledgement flags.
    if result == 0 { result = nl_send_auto(socket, message) }
    while result >= 0, !answer.pointee.isComplete { result = nl_recvmsgs_default(socket) }
    return min(result, 0)
  }

  private borrowing func reset() {
    for object in answer.pointee.objects { nl_object_put(object) }
    answer.pointee = Answer()
  }
}

/// libnl calls these while it reads an answer; their last argument is the handle's `Answer`.
extension NetlinkHandle {
  private static let onMessage: nl_recvmsg_msg_cb_t = { message, answer in
    // Not nl_cache and its like: they take two routes to one network through different links for the same one.
    let result = nl_msg_parse(
      message,
      { object, answer in
        guard let object else { return }
        nl_object_get(object)
        answer?.assumingMemoryBound(to: Answer.self).pointee.objects.append(object)
      }, answer)
    return result < 0 ? result : Int32(NL_OK.rawValue)
  }

  private static let onPayload: nl_recvmsg_msg_cb_t = { message, answer in
    guard let header = nlmsg_hdr(message), let data = nlmsg_data(header) else { return Int32(NL_OK.rawValue) }
    let bytes = Array(UnsafeRawBufferPointer(start: data, count: Int(max(0, nlmsg_datalen(header)))))
    answer?.assumingMemoryBound(to: Answer.self).pointee.payloads.append(bytes)
    return Int32(NL_OK.rawValue)
  }

  private static let onEnd: nl_recvmsg_msg_cb_t = { _, answer in
    answer?.assumingMemoryBound(to: Answer.self).pointee.isComplete = true
    return Int32(NL_OK.rawValue)
  }

  private static let onError: nl_recvmsg_err_cb_t = { _, error, answer in
    if let error, let answer = answer?.assumingMemoryBound(to: Answer.self) {
      answer.pointee.errno = -error.pointee.error
      answer.pointee.message = amphora_extended_ack(error).map { String(cString: $0) }
    }
    // Makes libnl stop reading and return its code for the errno.
    return Int32(NL_STOP.rawValue)
  }
}
