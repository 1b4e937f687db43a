// Small cases with their exact texts, so that a lone clone tests each feature without the vectors. The texts were
// written by the renderer once it produced all vectors, and read against the contract.

import Testing

@testable import AmphoraController

/// A document and a part of the files that belong to it.
struct GoldenCase: CustomTestStringConvertible, Sendable {
  let name: String
  let document: DocumentValue
  let file: String
  /// The file's text, or its end from a certain line on.
  let text: String

  var testDescription: String { name }

  static let all = listeners + backends + keepalived
}
