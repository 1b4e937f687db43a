// One file of a support bundle: its name and how it is come by.

import AmphoraProtocol
import Files
import Netlink

/// Something to collect.
struct BundlePart: Sendable {
  /// What came of it.
  struct Content: Sendable {
    var bytes: [UInt8]
    /// What is wrong with it, such as an exit status.
    var problem: String?
  }

  /// Where it stands in the archive.
  let name: String
  /// Collects it within some bytes and some time; nil when this amphora has no such thing.
  let collect: @Sendable (_ limit: Int, _ timeout: Duration) async throws -> Content?

  /// A file as it is, below `files` with its whole path.
  static func file(_ path: String) -> BundlePart {
    BundlePart(name: archived(path)) { limit, _ in try await content(of: path, limit: limit) }
  }

  /// The ordinary files of a folder, and of those below it.
  static func folder(_ path: String, depth: Int = 1, where isWanted: (String) -> Bool = { _ in true }) -> [BundlePart] {
    FileRead.names(in: path).flatMap { name -> [BundlePart] in
      let inner = "\(path)/\(name)"
      if FileRead.isFolder(inner) { return depth > 1 ? folder(inner, depth: depth - 1, where: isWanted) : [] }
      return isWanted(name) ? [file(inner)] : []
    }
  }

  /// The public parts of a file that may hold a private key.
  static func certificate(_ path: String) -> BundlePart {
    BundlePart(name: archived(path)) { limit, _ in
      guard let content = try await content(of: path, limit: limit) else { return nil }
      return Content(bytes: PublicParts.only(content.bytes))
    }
  }

  /// A path below `files`, also of one that an operator names from where he is.
  private static func archived(_ path: String) -> String { "files/" + path.drop { $0 == "/" || $0 == "." } }

  /// A file of /proc that may differ between namespaces, such as `net/dev`.
  static func proc(_ path: String, in namespace: NetworkNamespace?, as folder: String) -> BundlePart {
    BundlePart(name: "\(folder)/proc-\(path.replacing("/", with: "-")).txt") { limit, _ in
      try await reading(in: namespace) {
        try ifThere { Content(bytes: try BoundedBytes.file("/proc/thread-self/\(path)", limit: limit).bytes) }
      }
    }
  }

  /// What a program prints.
  static func command(_ name: String, _ command: [String]) -> BundlePart {
    BundlePart(name: name) { limit, timeout in
      let output = try await BundleCommand.run(command, limit: limit, timeout: timeout)
      return Content(bytes: output.bytes, problem: output.problem)
    }
  }

  /// A text that is made here.
  static func text(_ name: String, _ make: @escaping @Sendable () async throws -> String?) -> BundlePart {
    BundlePart(name: name) { limit, _ in
      try await make().map { Content(bytes: BoundedBytes(Array(($0 + "\n").utf8), limit: limit).bytes) }
    }
  }

  /// As ``text(_:_:)``, for what blocks.
  static func blocking(_ name: String, _ make: @escaping @Sendable () throws -> String?) -> BundlePart {
    text(name) { try await BlockingIO.run(make) }
  }

  /// Runs what reads in a namespace; one that is missing is a failure of each part in it.
  static func reading<T: Sendable>(
    in namespace: NetworkNamespace?, _ body: @escaping @Sendable () throws -> T
  ) async throws -> T {
    guard let namespace else { return try await BlockingIO.run(body) }
    return try await namespace.run(body)
  }

  private static func content(of path: String, limit: Int) async throws -> Content? {
    try await BlockingIO.run {
      try ifThere { Content(bytes: try BoundedBytes.file(path, limit: limit).bytes) }
    }
  }

  private static func ifThere(_ read: () throws -> Content) throws -> Content? {
    do {
      return try read()
    } catch let error as DurableFile.Failure where error.isMissing {
      return nil
    }
  }
}

/// What may be shown of files with certificates.
enum PublicParts {
  /// Certificates, lists of revoked ones, public keys and parameters, and the lines of haproxy's lists of certificates.
  static func only(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var label: [UInt8]?
    var removed = 0
    // A line of a key may begin with a slash too.
    let isList = bytes.firstPlace(of: Array("-----BEGIN ".utf8)) == nil
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let text = String(decoding: line.prefix(64), as: UTF8.self)
      if text.hasPrefix("-----BEGIN ") {
        let kind = text.dropFirst(11).prefix { $0 != "-" }
        let isPublic = ["CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CRL", "PUBLIC KEY", "DH PARAMETERS"].contains(kind)
        label = isPublic ? Array("-----END \(kind)-----".utf8) : nil
      }
      let isKept = label != nil || isList && isPath(line)
      if isKept { output += line + [UInt8(ascii: "\n")] } else { removed += 1 }
      if let end = label, line.starts(with: end) { label = nil }
    }
    if removed > 0 { output += Array("[\(removed) lines that are not public are left out]\n".utf8) }
    return output
  }

  /// Whether it is a line of haproxy's list of certificates: a path, perhaps with options behind it.
  private static func isPath(_ line: ArraySlice<UInt8>) -> Bool {
    line.first == UInt8(ascii: "/") && line.prefix { $0 != 0x20 }.reversed().starts(with: "mep.".utf8)
  }
}
