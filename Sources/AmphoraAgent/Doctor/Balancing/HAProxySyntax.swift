// haproxy's judgement of a file, asked for as the agent does before it takes an upload.

import AmphoraCrypto
import Files

/// What `haproxy -c` says of a configuration.
enum HAProxySyntax: Hashable, Sendable {
  case accepted
  /// The first thing haproxy complains of.
  case refused(String)
  /// haproxy could not be asked.
  case unknown(String)

  /// Asks haproxy; the same arguments as an upload's (contract agent-api §3.4).
  static func of(_ file: String, in amphora: LocalAmphora) async -> HAProxySyntax {
    let configuration = try? amphora.configuration.get()
    let haproxy = configuration?.haproxyCommand ?? "/usr/sbin/haproxy"
    let peer = PeerName.of(amphoraID: configuration?.amphoraID ?? "")
    do {
      let result = try await Command.run(
        haproxy, ["-c", "-L", peer, "-f", file, "-f", amphora.paths.userGroupFragment], timeout: .seconds(8))
      return result.isSuccess ? .accepted : .refused(complaint(in: result.output))
    } catch {
      return .unknown("\(error)")
    }
  }

  /// The first alert, without what stands before every one: `[ALERT]    (1234) : config : parsing [FILE:12] : WORDS`.
  static func complaint(in output: String) -> String {
    let lines = output.split(whereSeparator: \.isNewline)
    guard let alert = lines.first(where: { $0.hasPrefix("[ALERT]") }) else {
      return BalancerText.line(String(lines.first ?? "haproxy says nothing"))
    }
    let words = alert.split(separator: " : ").dropFirst()
    return BalancerText.line(words.drop { $0 == "config" }.joined(separator: ": "))
  }
}
