// Certificates that are wrong in one way each, and the certificate that an agent shows.

import AmphoraAgent
import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Synchronization
import Testing

/// A folder in memory that goes with the sandbox.
struct TemporaryFolder {
  private static let counter = Atomic<Int>(0)
  let path: String

  init() throws {
    path = "\(Sandbox.directory)/tmp-\(Self.counter.add(1, ordering: .relaxed).newValue)"
    try DurableFile.createDirectory(path, mode: 0o700)
  }

  func read(_ name: String) throws -> String { String(decoding: try FileRead.bytes("\(path)/\(name)"), as: UTF8.self) }

  /// Runs openssl; blanks separate the arguments.
  func openssl(_ arguments: String) async throws {
    let result = try await Command.run("/usr/bin/openssl", arguments.split(separator: " ").map(String.init))
    try #require(result.isSuccess, "\(result.output)")
  }
}

extension CertificateAuthority {
  /// The same CA with a clock that is `seconds` ahead.
  func withClock(ahead seconds: Int64) throws -> CertificateAuthority {
    let folder = try TemporaryFolder()
    try store(certificatePath: "\(folder.path)/ca.pem", keyPath: "\(folder.path)/key.pem")
    return try CertificateAuthority.load(
      certificatePath: "\(folder.path)/ca.pem", keyPath: "\(folder.path)/key.pem",
      unixTime: { CertificateAuthority.systemUnixTime() + seconds })
  }
}

extension Lab {
  /// A controller's certificate that was valid until yesterday.
  func expiredControllerIdentity() async throws -> String {
    try clientCA.withClock(ahead: -40 * 86_400).issueControllerCertificate(name: "lab controller").pem
  }
}

extension LiveAmphora {
  /// The certificate that the agent shows to the next connection.
  func servedCertificate() async throws -> X509Certificate {
    let connection = try connect(["-showcerts", "-nocommands", "-ign_eof"])
    try connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    return try X509Certificate(pem: Array(try await connection.readToEnd().utf8))
  }
}
