// Which certificates of the client CA may give orders. Amphorae's own certificates can be used as a client's too: where one
// CA signs both sides, any amphora could drive its peers (contract agent-api §5 W31).

import AmphoraCrypto
package import NIOSSL

/// The allow-list of client names; without names it lets everybody pass who has passed TLS.
package struct AllowedClients: Sendable {
  /// A client that is not on the list; its names.
  struct Refusal: Error, CustomStringConvertible {
    let names: [String]

    var description: String {
      "the certificate of \(names.isEmpty ? "a client without name" : names.joined(separator: ", ")) is not allowed here"
    }
  }

  private let names: Set<String>

  /// - Parameter names: common names or DNS names, compared without regard to case.
  package init(_ names: [String]) { self.names = Set(names.map { $0.lowercased() }) }

  /// Whether there is anything to check.
  package var isEmpty: Bool { names.isEmpty }

  /// Throws when none of the certificate's names is on the list.
  package func check(_ certificate: NIOSSLCertificate?) throws {
    guard !isEmpty else { return }
    let found = try certificate.map { try X509Certificate(der: $0.toDERBytes()) }
    let theirs = (found?.commonName.map { [$0] } ?? []) + (found?.dnsNames ?? [])
    guard theirs.contains(where: { names.contains($0.lowercased()) }) else { throw Refusal(names: theirs) }
  }
}
