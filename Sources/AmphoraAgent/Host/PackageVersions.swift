// Versions of installed packages, as `/info` and `/details` report them (contract agent-api §3.2).
//
// On Debian the package database is a text file: reading it costs a millisecond where starting dpkg-query three times
// costs thirty. Elsewhere rpm is asked. Either way the answer is kept until the database changes.

import Files
import Glibc

/// The versions that controllers ask for.
package struct PackageVersions: Sendable, Equatable {
  /// Without an epoch, which would break the controller's reading of it.
  package var haproxy: String
  /// Empty when the package is not installed.
  package var keepalived: String
  /// Empty when the package is not installed.
  package var ipvsadm: String

  package init(haproxy: String, keepalived: String, ipvsadm: String) {
    self.haproxy = haproxy
    self.keepalived = keepalived
    self.ipvsadm = ipvsadm
  }
}

/// No way was found to learn haproxy's version.
package struct PackageVersionError: Error, CustomStringConvertible, Sendable {
  package let description: String
}

/// Looks versions up and remembers them.
package actor PackageDatabase {
  private struct Stamp: Equatable {
    var modified: Int
    var nanoseconds: Int
    var size: Int
  }

  private let dpkgStatus: String
  private let rpmDatabases = [
    "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/Packages",
  ]
  private let haproxyCommand: String
  private var cached: (stamp: Stamp?, versions: PackageVersions)?

  package init(haproxyCommand: String, dpkgStatus: String = "/var/lib/dpkg/status") {
    self.haproxyCommand = haproxyCommand
    self.dpkgStatus = dpkgStatus
  }

  /// The versions now.
  package func versions() async throws -> PackageVersions {
    let isDebian = FileRead.exists(dpkgStatus)
    let stamp = (isDebian ? [dpkgStatus] : rpmDatabases).lazy.compactMap(Self.stamp).first
    if let cached, cached.stamp == stamp { return cached.versions }
    var found: [String: String] = [:]
    if isDebian {
      found = try await BlockingIO.run { [dpkgStatus] in
        Self.versions(inDpkgStatus: try FileRead.bytes(dpkgStatus), of: ["haproxy", "keepalived", "ipvsadm"])
      }
    } else {
      for name in ["haproxy", "keepalived", "ipvsadm"] {
        let result = try? await Command.run(
          "rpm", ["-q", "--queryformat", "%{VERSION}", name], timeout: .seconds(10))
        if let result, result.isSuccess { found[name] = result.output }
      }
    }
    var haproxy = found["haproxy"] ?? ""
    if haproxy.isEmpty { haproxy = try await versionOfCommand() }
    if let epoch = haproxy.firstIndex(of: ":") { haproxy = String(haproxy[haproxy.index(after: epoch)...]) }
    let versions = PackageVersions(
      haproxy: haproxy, keepalived: found["keepalived"] ?? "", ipvsadm: found["ipvsadm"] ?? "")
    cached = (stamp, versions)
    return versions
  }

  /// The versions of installed packages in the text of dpkg's status file (deb822: paragraphs of `Field: value`).
  ///
  /// - Parameter names: those asked for; nil for all.
  static func versions(inDpkgStatus status: [UInt8], of names: Set<String>?) -> [String: String] {
    var versions: [String: String] = [:]
    var name: String?
    var isInstalled = false
    let fields: (package: [UInt8], status: [UInt8], version: [UInt8]) = (
      Array("Package: ".utf8), Array("Status: ".utf8), Array("Version: ".utf8)
    )
    for line in status.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if line.starts(with: fields.package) {
        let value = String(decoding: line.dropFirst(fields.package.count), as: UTF8.self)
        name = names?.contains(value) ?? true ? value : nil
        isInstalled = false
      } else if name != nil, line.starts(with: fields.status) {
        isInstalled = line.suffix(10).elementsEqual(" installed".utf8)
      } else if let current = name, isInstalled, line.starts(with: fields.version) {
        versions[current] = String(decoding: line.dropFirst(fields.version.count), as: UTF8.self)
        if versions.count == names?.count { break }
      }
    }
    return versions
  }

  /// A haproxy that no package brought says its version itself: `HAProxy version 2.6.12-1+deb12u2 2025/04/01 - …`.
  private func versionOfCommand() async throws -> String {
    let result = try await Command.run(haproxyCommand, ["-v"], timeout: .seconds(10))
    let words = result.output.split(whereSeparator: \.isWhitespace)
    guard let index = words.firstIndex(of: "version"), words.indices.contains(index + 1) else {
      throw PackageVersionError(
        description: "haproxy is no installed package, and '\(haproxyCommand) -v' does not say its version")
    }
    return String(words[index + 1])
  }

  private static func stamp(_ path: String) -> Stamp? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Stamp(modified: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, size: Int(status.st_size))
  }
}
