// What OpenSSL says about a failure: its whole error stack, taken at once so that nothing is left for the next call.

import CCrypto

/// A failure of an OpenSSL call.
public struct CryptoError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it is, for callers that decide by it.
  public enum Kind: Hashable, Sendable {
    /// The input is not what it should be.
    case malformed
    /// A private key is encrypted and no passphrase was given.
    case passphraseMissing
    /// A private key is encrypted and the passphrase does not fit.
    case passphraseWrong
    /// OpenSSL could not do what was asked, for lack of memory or randomness, or by its policy.
    case failed
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// What was tried, as a phrase: "read a private key".
  public let operation: String
  /// OpenSSL's error stack, oldest entry first; never key material.
  public let stack: [String]

  /// Takes the error stack of this thread.
  init(_ kind: Kind, _ operation: String) {
    self.kind = kind
    self.operation = operation
    stack = Self.takeStack()
  }

  /// The failure in words.
  public var description: String {
    let reason =
      switch kind {
      case .malformed: "malformed input"
      case .passphraseMissing: "the key is encrypted and no passphrase was given"
      case .passphraseWrong: "the passphrase does not fit"
      case .failed: "OpenSSL failed"
      }
    return "could not \(operation): \(reason)" + (stack.isEmpty ? "" : " (\(stack.joined(separator: "; ")))")
  }

  private static func takeStack() -> [String] {
    var entries: [String] = []
    while true {
      var data: UnsafePointer<CChar>?
      var flags: Int32 = 0
      let code = ERR_get_error_all(nil, nil, nil, &data, &flags)
      guard code != 0 else { return entries }
      // 256 bytes is what ERR_error_string needs at least.
      var text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let base = buffer.baseAddress else { return "" }
        ERR_error_string_n(code, base, buffer.count)
        return String(cString: base)
      }
      if let data, flags & ERR_TXT_STRING != 0, data.pointee != 0 { text += ": \(String(cString: data))" }
      entries.append(text)
    }
  }
}

/// Returns the pointer, or throws with the error stack.
func require(
  _ pointer: OpaquePointer?, _ operation: @autoclosure () -> String, _ kind: CryptoError.Kind = .failed
) throws(CryptoError) -> OpaquePointer {
  guard let pointer else { throw CryptoError(kind, operation()) }
  return pointer
}

/// Throws with the error stack unless an OpenSSL call returned 1.
func require(_ result: Int32, _ operation: @autoclosure () -> String) throws(CryptoError) {
  guard result == 1 else { throw CryptoError(.failed, operation()) }
}
