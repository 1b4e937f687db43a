// The TLS identity of :9443, read again when its files change, so that a rotated certificate serves the next connection
// (contract agent-api §1.2). Connections that are open keep theirs.

import Glibc
package import Logging
package import NIOSSL
import Synchronization

/// Gives each new connection the TLS context of the files as they are now.
package final class ServerTLS: Sendable {
  /// What tells one content of a file from another, without reading it.
  private struct Stamp: Equatable {
    var inode: UInt
    var size: Int
    var modified: Int
    var nanoseconds: Int

    init?(_ path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      (inode, size) = (UInt(status.st_ino), Int(status.st_size))
      (modified, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
  }

  private struct State {
    var context: NIOSSLContext
    var stamps: [Stamp?]
  }

  private let certificateFile: String
  private let clientCAFile: String
  private let logger: Logger
  private let state: Mutex<State>

  /// Reads the files; fails when they do not make a usable identity.
  ///
  /// - Parameters:
  ///   - certificateFile: PEM with the certificate and its key, in any order.
  ///   - clientCAFile: PEM with the CAs that may have signed client certificates.
  package init(certificateFile: String, clientCAFile: String, logger: Logger) throws {
    self.certificateFile = certificateFile
    self.clientCAFile = clientCAFile
    self.logger = logger
    let stamps = [Stamp(certificateFile), Stamp(clientCAFile)]
    state = Mutex(State(context: try Self.load(certificateFile, clientCAFile), stamps: stamps))
  }

  /// The context for a connection that is accepted now.
  ///
  /// Two stat(2) calls, and a read only after a change; files that make no identity leave the former one in place.
  package func context() -> NIOSSLContext {
    let stamps = [Stamp(certificateFile), Stamp(clientCAFile)]
    return state.withLock { state in
      guard stamps != state.stamps else { return state.context }
      state.stamps = stamps
      do {
        state.context = try Self.load(certificateFile, clientCAFile)
        logger.notice("TLS identity read again", metadata: ["certificate": "\(certificateFile)"])
      } catch {
        // A file that could not be read this time may be readable the next time.
        if error is DurableFile.Failure { state.stamps = [] }
        logger.error("changed TLS files are not usable, the former identity stays", metadata: ["error": "\(error)"])
      }
      return state.context
    }
  }

  private static func load(_ certificateFile: String, _ clientCAFile: String) throws -> NIOSSLContext {
    let pem = try FileRead.bytes(certificateFile, limit: 1 << 20)
    let ca = try FileRead.bytes(clientCAFile, limit: 1 << 20)
    do {
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: try NIOSSLCertificate.fromPEMBytes(pem).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(bytes: pem, format: .pem)))
      // Controllers pin exactly one version, 1.2 by default, so 1.2 is offered whatever the configuration's minimum.
      configuration.minimumTLSVersion = .tlsv12
      configuration.certificateVerification = .noHostnameVerification
      configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(ca))
      configuration.applicationProtocols = ["http/1.1"]
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw TLSFilesError(certificateFile: certificateFile, clientCAFile: clientCAFile, reason: "\(error)")
    }
  }
}

/// Certificate files that are readable but make no TLS identity.
package struct TLSFilesError: Error, CustomStringConvertible, Sendable {
  let certificateFile: String
  let clientCAFile: String
  let reason: String

  package var description: String {
    "\(certificateFile) (certificate and key) or \(clientCAFile) (client CA) is not usable: \(reason)"
  }
}
