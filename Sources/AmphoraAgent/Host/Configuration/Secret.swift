// A text that must not reach a log, an error message or a debugger's dump by accident.

import AmphoraCrypto

/// A secret text.
///
/// Its value is only to be had by asking for ``revealed``; printing shows `•••`.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// What every secret prints as.
  package static let mask = "•••"

  /// The secret itself.
  package let revealed: String

  /// Wraps a secret.
  package init(_ text: String) { revealed = text }

  /// `•••`.
  package var description: String { Self.mask }
  /// `•••`.
  package var debugDescription: String { Self.mask }
  /// No children, so that `dump` and string interpolation of an enclosing struct show nothing either.
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// Compares byte by byte (Swift's `==` takes canonically equivalent texts for equal; HMAC does not).
  package static func == (left: Secret, right: Secret) -> Bool {
    Digest.constantTimeEqual(Array(left.revealed.utf8), Array(right.revealed.utf8))
  }
}
