// Certificates and secrets as the files that amphorae get (contract config-rendering §8).

import AmphoraCrypto
import AmphoraProtocol
import Testing

@testable import AmphoraController

@Suite struct TLSPackageTests {
  /// A key manager in memory.
  private struct Secrets: SecretSource {
    struct Missing: Error {}
    let values: [String: String]

    func secret(_ reference: String) async throws -> [UInt8] {
      guard let value = values[reference] else { throw Missing() }
      return Array(value.utf8)
    }
  }

  private static let authority = try? CertificateAuthority.create(name: "CA")

  private func balancer(_ change: (inout Listener) throws -> Void) throws -> LoadBalancer {
    var balancer = try ProcedureSample.document().loadBalancer
    balancer.listeners[0].protocol = .terminatedHTTPS
    try change(&balancer.listeners[0])
    return balancer
  }

  @Test func `a container becomes leaf, key and intermediates, named by the leaf's SHA-1`() async throws {
    let authority = try #require(Self.authority)
    let issued = try authority.issueControllerCertificate(name: "www.example.com")
    let intermediate = try authority.certificatePEM()
    let parts = issued.pem.split(separator: "-----BEGIN RSA", maxSplits: 1).map(String.init)
    let (leaf, key) = (parts[0].filter { $0 != "\r" }, "-----BEGIN RSA" + parts[1])
    // In any order, with text around it.
    let secrets = Secrets(values: ["a": "\n\(key)\nnote\n\(leaf)\n\(intermediate)"])
    let balancer = try balancer { $0.defaultTLSContainerRef = "a" }
    let package = try await TLSPackage.collect(for: balancer, from: secrets)
    let trimmed = { (text: String) in String(text.dropLast(text.reversed().prefix { $0.isNewline }.count)) }
    let id = Digest.hex(Digest.sha1(trimmed(leaf).utf8))
    #expect(package.fileIDs["a"]?.rawValue == id)
    #expect(package.files.map(\.name.text) == ["\(id).pem", "\(balancer.listeners[0].id).pem"])
    #expect(
      String(decoding: package.files[0].bytes, as: UTF8.self)
        == "\(trimmed(leaf))\n\(trimmed(key))\n\(trimmed(intermediate))\n")
    #expect(
      String(decoding: package.files[1].bytes, as: UTF8.self)
        == "/var/lib/octavia/certs/\(balancer.id)/\(id).pem\n")
  }

  @Test func `the list has the default certificate first, and secrets are sent unchanged after it`() async throws {
    let authority = try #require(Self.authority)
    let secrets = Secrets(values: [
      "default": try authority.issueControllerCertificate(name: "a").pem,
      "sni": try authority.issueControllerCertificate(name: "b").pem, "ca": " any bytes ", "crl": "others",
    ])
    let balancer = try balancer {
      $0.defaultTLSContainerRef = "default"
      $0.sniContainerRefs = ["sni", "default"]
      $0.clientCATLSContainerRef = "ca"
      $0.clientCRLContainerRef = "crl"
    }
    let package = try await TLSPackage.collect(for: balancer, from: secrets)
    let ids = try ["default", "sni", "ca", "crl"].map { try #require(package.fileIDs[$0]).rawValue }
    #expect(
      package.files.map(\.name.text)
        == [ids[0], ids[1], balancer.listeners[0].id.rawValue, ids[2], ids[3]].map {
          "\($0).pem"
        })
    let list = String(decoding: package.files[2].bytes, as: UTF8.self).split(separator: "\n").compactMap {
      $0.split(separator: "/").last.map(String.init)
    }
    #expect(list == [ids[0], ids[1], ids[0]].map { "\($0).pem" })
    #expect(package.files[3].bytes == Array(" any bytes ".utf8))
    #expect(ids[2] == Digest.hex(Digest.sha1(" any bytes ".utf8)))
  }

  @Test func `a secret that cannot be had, or is no certificate, is an error`() async throws {
    let wanted = try balancer { $0.defaultTLSContainerRef = "a" }
    await #expect(throws: ProcedureError.self) { try await TLSPackage.collect(for: wanted, from: nil) }
    await #expect(throws: Secrets.Missing.self) {
      try await TLSPackage.collect(for: wanted, from: Secrets(values: [:]))
    }
    await #expect(throws: DocumentError.self) {
      try await TLSPackage.collect(for: wanted, from: Secrets(values: ["a": "no PEM"]))
    }
  }

  @Test func `a load balancer without references needs no source`() async throws {
    let package = try await TLSPackage.collect(for: ProcedureSample.document().loadBalancer, from: nil)
    #expect(package.files.isEmpty && package.fileIDs.isEmpty)
  }
}
