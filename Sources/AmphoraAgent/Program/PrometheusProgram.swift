// `prometheus-proxy [--rejected]` as a process.

import Files
import Glibc
import Netlink

/// Runs the proxy of the traffic namespace until a signal.
package enum PrometheusProgram {
  /// Where the unit, and operators, look for the process.
  private static var pidFile: StaticString { "/run/prometheus-proxy.pid" }

  /// Serves until SIGTERM or SIGINT, which end the process with status 0.
  ///
  /// - Parameter printsRejected: prints each line of haproxy's that is not forwarded.
  package static func run(printsRejected: Bool) -> Never {
    for number in [SIGTERM, SIGINT] {
      // Both calls may be made in a signal's handler (signal-safety(7)). Connections that are open end with the process.
      signal(number) { _ in
        unlink(UnsafeRawPointer(PrometheusProgram.pidFile.utf8Start).assumingMemoryBound(to: CChar.self))
        _exit(0)
      }
    }
    signal(SIGPIPE, SIG_IGN)
    do {
      try DurableFile.write(Array("\(getpid())\n".utf8), to: "\(pidFile)", mode: 0o644)
    } catch {
      say("\(error)")
    }
    let proxy = PrometheusProxy(
      .init(namespace: .amphoraHAProxy), log: say, onRejected: printsRejected ? { @Sendable line in say(line) } : nil)
    while true { proxy.run() }
  }

  /// One write per line: scrapes run side by side.
  @Sendable private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(1, bytes, bytes.count)
  }
}
