// The TLS identity of :9443, read again when its files change, so that a rotated certificate serves the next connection
// (contract agent-api §1.2). Connections that are open keep theirs.

import Files
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
  private let minimum: NIOSSL.TLSVersion
  private let logger: Logger
  private let state: Mutex<State>

  /// Reads the files; fails when they do not make a usable identity.
  ///
  /// - Parameters:
  ///   - certificateFile: PEM with the certificate and its key, in any order.
  ///   - clientCAFile: PEM with the CAs that may have signed client certificates.
  ///   - lowest: `agent_tls_protocol`.
  package init(certificateFile: String, clientCAFile: String, lowest: AmphoraAgent.TLSVersion, logger: Logger) throws {
    self.certificateFile = certificateFile
    self.clientCAFile = clientCAFile
    self.logger = logger
    minimum = Self.minimum(lowest)
    let stamps = [Stamp(certificateFile), Stamp(clientCAFile)]
    state = Mutex(State(context: try Self.load(certificateFile, clientCAFile, minimum), stamps: stamps))
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
        state.context = try Self.load(certificateFile, clientCAFile, minimum)
        logger.notice("TLS identity read again", metadata: ["certificate": "\(certificateFile)"])
      } catch {
        // A file that could not be read this time may be readable the next time.
        if error is DurableFile.Failure { state.stamps = [] }
        logger.error("changed TLS files are not usable, the former identity stays", metadata: ["error": "\(error)"])
      }
      return state.context
    }
  }

  /// Controllers have the same option and pin exactly its version, so an older one is served when it is asked for.
  ///
  /// 1.2 is served in any case: a controller with 1.3 does not exist, as upstream's cannot start with it (contract
  /// agent-api §1.2). No library speaks SSLv3 any more.
  private static func minimum(_ lowest: AmphoraAgent.TLSVersion) -> NIOSSL.TLSVersion {
    switch lowest {
    case .sslv3, .tlsv1: .tlsv1
    case .tlsv11: .tlsv11
    case .tlsv12, .tlsv13: .tlsv12
    }
  }

  private static func load(
    _ certificateFile: String, _ clientCAFile: String, _ minimum: NIOSSL.TLSVersion
  ) throws -> NIOSSLContext {
    let pem = try FileRead.bytes(certificateFile, limit: 1 << 20)
    let ca = try FileRead.bytes(clientCAFile, limit: 1 << 20)
    do {
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: try NIOSSLCertificate.fromPEMBytes(pem).map { .certificate($0) },
        privateKey: .privateKey(try NIOSSLPrivateKey(bytes: pem, format: .pem)))
      configuration.minimumTLSVersion = minimum
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
