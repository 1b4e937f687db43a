// Where certificates and secrets of documents come from: a key manager, a folder.

import FoundationEssentials

/// Gives out what documents refer to.
public protocol SecretSource: Sendable {
  /// The bytes behind a reference.
  ///
  /// For a certificate container (`default_tls_container_ref`, `sni_container_refs`, `tls_container_ref`) PEM with the
  /// certificate, its unencrypted key and intermediate certificates; for other references the secret itself.
  func secret(_ reference: String) async throws -> [UInt8]
}

/// Secrets in files: references are absolute paths, or `file:///` URLs without escapes.
public struct SecretFiles: SecretSource {
  /// Makes a source.
  public init() {}

  /// The content of the file that the reference names.
  public func secret(_ reference: String) async throws -> [UInt8] {
    let path = reference.hasPrefix("file://") ? String(reference.dropFirst("file://".count)) : reference
    guard path.hasPrefix("/") else {
      throw ProcedureError.document(
        DocumentError("loadbalancer", "refers to \(quoted(reference)), which is no absolute path and no file:/// URL"))
    }
    return try SecretFile.read(path)
  }
}
