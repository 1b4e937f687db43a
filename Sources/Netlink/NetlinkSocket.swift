// The connection to the kernel's network configuration of one namespace. What it can do is in extensions beside the
// values: links in LinkRequests.swift, addresses, routes and rules each in their own file.

import CNetlink
import Glibc
import Synchronization

/// A routing socket, bound for life to one network namespace, usable from any thread.
///
/// Calls block for the time of a system call or a dump, well below a millisecond. One request at a time: a lock inside
/// makes the class safe to share.
package final class NetlinkSocket: Sendable {
  private let handle: Mutex<NetlinkHandle>

  /// Opens a socket in the calling thread's namespace, which for all threads of the agent is the root namespace.
  package init() throws(NetlinkError) {
    handle = Mutex(try NetlinkHandle())
  }

  /// Opens a socket in a namespace: enters it on a short-lived thread, so the calling thread stays where it is.
  ///
  /// Throws ``NetworkNamespaceError/missing(_:)`` when there is no such namespace; nothing is created.
  package init(in namespace: NetworkNamespace) throws {
    handle = Mutex(try namespace.runBlocking { try NetlinkHandle() })
  }

  /// Sends a request and waits for the acknowledgement.
  func send(
    _ request: NetlinkRequest, _ operation: String, _ object: @autoclosure () -> String
  ) throws(NetlinkError) {
    _ = try get(request, operation, object()) { _ in nil as Never? }
  }

  /// Sends a request that is answered with objects, and returns what `parse` makes of libnl's.
  func get<Value: Sendable>(
    _ request: NetlinkRequest, _ operation: String, _ object: @autoclosure () -> String,
    _ parse: (OpaquePointer) -> Value?
  ) throws(NetlinkError) -> [Value] {
    try handle.withLock { (handle) throws(NetlinkError) in
      try handle.exchange(request, operation, object(), parse)
    }
  }

  /// Reads all objects of a kind: `RTM_GETLINK` and its like.
  func dump<Value: Sendable>(
    _ type: Int, _ kind: String, _ parse: (OpaquePointer) -> Value?
  ) throws(NetlinkError) -> [Value] {
    // NLM_F_DUMP, a macro Swift does not see.
    let flags = Int32(NLM_F_ROOT | NLM_F_MATCH)
    let request = NetlinkRequest(type, flags: flags, header: rtgenmsg(rtgen_family: UInt8(AF_UNSPEC)))
    return try get(request, "list", kind, parse)
  }

  /// Calls `body` with a descriptor of the namespace this socket belongs to, closed afterwards.
  func withNamespaceDescriptor(_ body: (Int32) throws(NetlinkError) -> Void) throws(NetlinkError) {
    let descriptor = handle.withLock { amphora_namespace_of_socket($0.descriptor) }
    guard descriptor >= 0 else { throw NetlinkError("open", "namespace of a socket", errno: Glibc.errno) }
    defer { close(descriptor) }
    try body(descriptor)
  }
}
