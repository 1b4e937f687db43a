// What an operator reads when a command does not succeed: what was wrong, where, what to do.

import AmphoraController
import AmphoraCrypto
import Files
import Glibc

/// How a run ended; documented in the root command's help.
enum ExitStatus: Int32, Codable, Sendable {
  case done = 0
  /// Something was refused or failed.
  case failed = 1
  /// The command line or the configuration is wrong; nothing was done.
  case usage = 2
  /// An amphora did not answer.
  case unreachable = 3

  static let help = """
    EXIT CODES
      0  done
      1  refused or failed; for several amphorae: at least one of them
      2  the command line or the configuration is wrong; nothing was done
      3  an amphora did not answer
    """
}

/// A failure that is ready to be shown.
struct CommandFailure: Error, Sendable, CustomStringConvertible {
  let status: ExitStatus
  /// What was wrong and where: `config.yaml:3: unknown key 'heartbeet'`.
  let message: String
  /// What to do; nil when the message says it all.
  let hint: String?

  init(_ status: ExitStatus = .failed, _ message: String, hint: String? = nil) {
    self.status = status
    self.message = message
    self.hint = hint
  }

  var description: String { hint.map { "\(message)\n\($0)" } ?? message }
}

/// An error that knows how it is to be shown; errors of other types are shown by their description, with status 1.
protocol ExplainedError: Error {
  var failure: CommandFailure { get }
}

extension CommandFailure {
  /// The failure that any error stands for.
  init(explaining error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as any ExplainedError: self = error.failure
    case is CancellationError: self.init(.failed, "interrupted")
    default: self.init(.failed, "\(error)")
    }
  }
}

extension DurableFile.Failure: ExplainedError {
  var failure: CommandFailure {
    CommandFailure(.failed, "\(path): could not \(operation): \(String(cString: strerror(errno)))")
  }
}

extension AmphoraClientError: ExplainedError {
  var failure: CommandFailure {
    switch self {
    case .unreachable:
      CommandFailure(
        .unreachable, description,
        hint: "Check the address, that the agent runs, and that both sides' certificates are in order "
          + "(amphoractl config, amphoractl ca list).")
    case .notFound: CommandFailure(.failed, description)
    default: CommandFailure(.failed, description)
    }
  }
}

extension CredentialError: ExplainedError {
  var failure: CommandFailure {
    CommandFailure(
      .usage, description,
      hint: "The files are named by controller_certificate and server_ca; amphoractl config shows where.")
  }
}

extension CertificateAuthorityError: ExplainedError {
  var failure: CommandFailure {
    guard case .unusable(_, let error) = self else { return CommandFailure(.failed, description) }
    return switch error.kind {
    case .passphraseMissing, .passphraseWrong:
      CommandFailure(.failed, description, hint: "Set AMPHORA_PASSPHRASE or passphrase_file to the right passphrase.")
    case .malformed, .failed: CommandFailure(.failed, description)
    }
  }
}
