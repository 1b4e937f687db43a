// The version of this software; the API's version is another thing (`APIVersionBody`).

/// The agent's version.
package enum AgentVersion {
  /// Semantic version.
  package static let current = "0.1.0"
}
