// Named network namespaces, kept where `ip netns` keeps them, so that both see each other's.

import CNetlink
import Glibc

/// A network namespace by name: the handle `/run/netns/NAME`, whether or not it exists at the moment.
package struct NetworkNamespace: Hashable, Sendable, CustomStringConvertible {
  /// The folder of the handles.
  package static let directory = "/run/netns"

  /// The name, which is one path component.
  package let name: String

  /// Takes a name of 1 to 255 visible ASCII characters without `/`, that is not `.` or `..` and no option (`-x`).
  package init?(_ name: String) {
    guard (1...255).contains(name.utf8.count), name != ".", name != "..", !name.hasPrefix("-"),
      name.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") })
    else { return nil }
    self.name = name
  }

  private init(known name: String) { self.name = name }

  /// The namespace that an amphora's traffic lives in (contract networking, first table).
  package static let amphoraHAProxy = NetworkNamespace(known: "amphora-haproxy")

  /// The handle's path.
  package var path: String { "\(Self.directory)/\(name)" }

  /// The name.
  package var description: String { name }

  /// Whether the namespace exists.
  ///
  /// A plain file left by an interrupted creation is no namespace.
  package var exists: Bool { amphora_is_namespace(path) != 0 }

  /// All namespaces, by name.
  ///
  /// Same as `ip netns list`, without half-made handles.
  package static func list() throws(NetworkNamespaceError) -> [NetworkNamespace] {
    guard let folder = opendir(directory) else {
      if errno == ENOENT { return [] }
      throw .failed("list", directory, errno: errno)
    }
    defer { closedir(folder) }
    var found: [NetworkNamespace] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let namespace = NetworkNamespace(name), namespace.exists { found.append(namespace) }
    }
    return found.sorted { $0.name < $1.name }
  }

  /// Which kernel object a handle stands for: it changes when a namespace is deleted and made again.
  package struct Identity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    init(path: String) throws(NetworkNamespaceError) {
      var status = stat()
      guard stat(path, &status) == 0 else {
        throw errno == ENOENT ? .missing(path) : .failed("inspect", path, errno: errno)
      }
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
    }

    /// The namespace the calling thread works in.
    package static func ofCallingThread() throws(NetworkNamespaceError) -> Identity {
      try Identity(path: "/proc/thread-self/ns/net")
    }
  }

  /// The identity of the namespace behind the handle now.
  package func identity() throws(NetworkNamespaceError) -> Identity {
    guard exists else { throw access(path, F_OK) == 0 ? .notANamespace(name) : .missing(name) }
    return try Identity(path: path)
  }

  /// Calls `body` with a descriptor of the handle, closed afterwards.
  ///
  /// Never creates the namespace.
  func withDescriptor<T>(_ body: (Int32) throws -> T) throws -> T {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT ? NetworkNamespaceError.missing(name) : .failed("open", name, errno: errno)
    }
    defer { close(descriptor) }
    return try body(descriptor)
  }
}

/// Why something could not be done to, or in, a network namespace.
package enum NetworkNamespaceError: Error, Hashable {
  /// There is no namespace of this name.
  case missing(String)
  /// There is one already.
  case exists(String)
  /// The handle is a file, but no namespace: its creation was interrupted. ``NetworkNamespace/create(ifMissing:)``
  /// repairs it.
  case notANamespace(String)
  /// A system call failed: what was tried, on which object, and the errno.
  case failed(_ operation: String, _ object: String, errno: Int32)
}

extension NetworkNamespaceError: CustomStringConvertible {
  /// One sentence with the namespace's name.
  package var description: String {
    switch self {
    case .missing(let name): "there is no network namespace \(name)"
    case .exists(let name): "the network namespace \(name) exists already"
    case .notANamespace(let name): "the handle of network namespace \(name) is an ordinary file; create it again"
    case .failed(let operation, let object, let errno):
      "cannot \(operation) network namespace \(object): \(String(cString: strerror(errno))) (errno \(errno))"
    }
  }
}
