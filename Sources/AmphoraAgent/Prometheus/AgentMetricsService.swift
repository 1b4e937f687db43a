// The socket over which the proxy asks the agent for its metrics: root's alone, and it carries nothing but them.

import AmphoraCrypto
import Files
import Glibc
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Answers each connection's first bytes with the agent's metrics, and ends it.
struct AgentMetricsService: Service {
  let path: String
  let eventLoops: MultiThreadedEventLoopGroup
  let text: @Sendable () -> String
  let logger: Logger

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await serve() }
    } catch {
      // Metrics are a convenience: the agent does its work without them.
      if !(error is CancellationError) { logger.error("metrics not served", metadata: ["error": "\(error)"]) }
      try? await gracefulShutdown()
    }
  }

  private func serve() async throws {
    try await BlockingIO.run { [path] in
      try DurableFile.createDirectory(DurableFile.split(path).folder, mode: 0o755)
    }
    let server = try await ServerBootstrap(group: eventLoops)
      .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    chmod(path, 0o600)
    try await server.executeThenClose { clients in
      try await withThrowingDiscardingTaskGroup { group in
        for try await client in clients { group.addTask { await answer(client) } }
      }
    }
  }

  private func answer(_ client: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async {
    try? await client.executeThenClose { inbound, outbound in
      // Read before the end: a socket that is closed with bytes unread is reset.
      for try await _ in inbound { break }
      let answer = try await BlockingIO.run(text)
      try await outbound.write(ByteBuffer(string: answer))
    }
  }

  /// Until when the certificates in files are valid; those that cannot be read are left out.
  static func expiries(_ files: [(name: String, path: String)]) -> [(name: String, time: Int64)] {
    files.compactMap { file in
      guard let bytes = try? FileRead.bytes(file.path, limit: 1 << 20),
        let certificate = try? X509Certificate(pem: bytes)
      else { return nil }
      return (file.name, certificate.notAfter)
    }
  }
}
