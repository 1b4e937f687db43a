// A load balancer's certificates and secrets as files on its amphorae (contract config-rendering §8).

import AmphoraCrypto
import AmphoraProtocol

/// The files with TLS material, in the order in which they are sent.
struct TLSPackage {
  struct File: Hashable {
    let name: CertificateFileName
    let bytes: [UInt8]
  }

  private(set) var files: [File] = []
  private(set) var fileIDs: [String: CertificateFileID] = [:]

  /// Fetches and packs everything that a load balancer refers to.
  static func collect(for balancer: LoadBalancer, from secrets: (any SecretSource)?) async throws -> TLSPackage {
    var package = TLSPackage()
    let pools = PoolIndex(balancer)
    for listener in balancer.listeners where !listener.protocol.usesLVS {
      try await package.add(listener, balancer, secrets)
      var used = [pools.defaultPool(of: listener)].compactMap(\.self)
      used += listener.l7Policies.compactMap { pools.redirectPool(of: $0) }
      for pool in used where pool.tlsEnabled && !pool.isBeingDeleted {
        if let reference = pool.tlsContainerRef { _ = try await package.addContainer(reference, secrets) }
        for reference in [pool.caTLSContainerRef, pool.crlContainerRef].compactMap(\.self) {
          try await package.addSecret(reference, secrets)
        }
      }
    }
    return package
  }

  private mutating func add(
    _ listener: Listener, _ balancer: LoadBalancer, _ secrets: (any SecretSource)?
  ) async throws {
    guard listener.protocol == .terminatedHTTPS || listener.protocol == .prometheus else { return }
    var list = ""
    for reference in [listener.defaultTLSContainerRef].compactMap(\.self) + listener.sniContainerRefs {
      let id = try await addContainer(reference, secrets)
      list += "\(DefaultOptions.baseCertificateFolder)/\(balancer.id)/\(id).pem\n"
    }
    if !list.isEmpty { try append(listener.id.rawValue, Array(list.utf8)) }
    for reference in [listener.clientCATLSContainerRef, listener.clientCRLContainerRef].compactMap(\.self) {
      try await addSecret(reference, secrets)
    }
  }

  /// Leaf certificate, key and intermediates, each trimmed, joined and ended by one newline.
  private mutating func addContainer(_ reference: String, _ secrets: (any SecretSource)?) async throws
    -> CertificateFileID
  {
    if let known = fileIDs[reference] { return known }
    let bytes = try await Self.fetch(reference, secrets)
    let parts: [String]
    do {
      let identity = try PEMBundle(pem: bytes).identity()
      guard identity.certificate.commonName != nil || !identity.certificate.dnsNames.isEmpty else {
        throw DocumentError(quoted(reference), "the certificate has neither a common name nor a DNS name")
      }
      parts =
        try [identity.certificate.pem(), identity.key.pem(.traditional)] + identity.others.map { try $0.pem() }
    } catch let error as PEMBundleError {
      throw DocumentError(quoted(reference), "\(error)")
    }
    let texts = parts.map { $0.trimmedOfNewlines }
    let id = try Self.fileID(Array(texts[0].utf8))
    fileIDs[reference] = id
    try append(id.rawValue, Array((texts.joined(separator: "\n") + "\n").utf8))
    return id
  }

  private mutating func addSecret(_ reference: String, _ secrets: (any SecretSource)?) async throws {
    guard fileIDs[reference] == nil else { return }
    let bytes = try await Self.fetch(reference, secrets)
    let id = try Self.fileID(bytes)
    fileIDs[reference] = id
    try append(id.rawValue, bytes)
  }

  private mutating func append(_ stem: String, _ bytes: [UInt8]) throws {
    guard let name = CertificateFileName("\(stem).pem") else { throw ProcedureError.inconsistent("file \(stem).pem") }
    let file = File(name: name, bytes: bytes)
    if !files.contains(file) { files.append(file) }
  }

  private static func fetch(_ reference: String, _ secrets: (any SecretSource)?) async throws -> [UInt8] {
    guard let secrets else {
      throw ProcedureError.document(
        DocumentError("loadbalancer", "refers to the secret \(quoted(reference)), and there is no source of secrets"))
    }
    return try await secrets.secret(reference)
  }

  private static func fileID(_ bytes: [UInt8]) throws -> CertificateFileID {
    guard let id = CertificateFileID(Digest.hex(Digest.sha1(bytes))) else {
      throw ProcedureError.inconsistent("no SHA-1 digest")
    }
    return id
  }
}

extension String {
  fileprivate var trimmedOfNewlines: String {
    var text = self[...]
    while text.last?.isWhitespace ?? false { text.removeLast() }
    while text.first?.isWhitespace ?? false { text.removeFirst() }
    return String(text)
  }
}
