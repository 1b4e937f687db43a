// `amphora-health-checker sctp [-t SECONDS] ADDRESS PORT`, run by keepalived (contract services §6.3).

import Addresses
import Glibc

/// The program, apart from its process.
package enum HealthCheckCommand {
  /// Runs it with the arguments behind its name; returns the exit status.
  package static func run(_ arguments: [String], _ report: (String) -> Void = { print($0) }) -> Int32 {
    let check: (address: IPAddress, port: UInt16, timeout: Duration)
    do throws(Usage) {
      check = try parse(arguments)
    } catch {
      report(error.text)
      return 1
    }
    var generator = SystemRandomNumberGenerator()
    let probe = SCTPProbe(to: check.port, using: &generator)
    let outcome = SCTPCheck(check.address, probe, timeout: check.timeout).run(report)
    report(text(outcome))
    return outcome.status
  }

  private struct Usage: Error {
    let text: String
  }

  private static func parse(_ arguments: [String]) throws(Usage) -> (IPAddress, UInt16, Duration) {
    let usage = "usage: amphora-health-checker sctp [-t SECONDS] ADDRESS PORT"
    guard let name = arguments.first else { throw Usage(text: usage) }
    guard name.lowercased() == "sctp" else { throw Usage(text: "'\(name)' is not checked; \(usage)") }
    var rest = arguments.dropFirst()
    var timeout = Duration.seconds(3)
    if rest.first == "-t" {
      guard let text = rest.dropFirst().first, let seconds = Double(text), seconds > 0, seconds <= 3600 else {
        throw Usage(text: "-t wants a number of seconds above 0; \(usage)")
      }
      timeout = .seconds(seconds)
      rest = rest.dropFirst(2)
    }
    guard rest.count == 2, let address = rest.first.flatMap({ IPAddress($0) }),
      let port = rest.last.flatMap(UInt16.init), port > 0
    else { throw Usage(text: usage) }
    return (address, port, timeout)
  }

  private static func text(_ outcome: SCTPCheck.Outcome) -> String {
    switch outcome {
    case .up: "up: INIT ACK"
    case .refused: "down: ABORT"
    case .timedOut: "down: no answer in time"
    case .unexpected(let chunk): "down: a chunk of type \(chunk.type)"
    case .failed(let operation, let errno): "down: cannot \(operation): \(String(cString: strerror(errno)))"
    }
  }
}
