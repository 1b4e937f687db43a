// PEM files: certificates and keys in any order, with any text between them.

import CCrypto

/// One `-----BEGIN …-----` block.
struct PEMBlock {
  let name: String
  /// The RFC 1421 header lines; `Proc-Type: 4,ENCRYPTED` in encrypted traditional keys.
  let header: String
  let contents: [UInt8]

  var isCertificate: Bool { name == "CERTIFICATE" || name == "X509 CERTIFICATE" || name == "TRUSTED CERTIFICATE" }
  var isPrivateKey: Bool { name == "PRIVATE KEY" || name.hasSuffix(" PRIVATE KEY") }
  var isEncrypted: Bool { name == "ENCRYPTED PRIVATE KEY" || header.contains("ENCRYPTED") }

  /// The blocks of a text in their order.
  ///
  /// Text outside of blocks is skipped; a broken block is an error.
  static func all(in pem: some Collection<UInt8>) throws(CryptoError) -> [PEMBlock] {
    let bio = try MemoryBIO(reading: pem)
    var blocks: [PEMBlock] = []
    while true {
      var name: UnsafeMutablePointer<CChar>?
      var header: UnsafeMutablePointer<CChar>?
      var contents: UnsafeMutablePointer<UInt8>?
      var length = 0
      guard PEM_read_bio(bio.pointer, &name, &header, &contents, &length) == 1, let name, let header else {
        let last = ERR_peek_last_error()
        // No further BEGIN line is the ordinary end of a file.
        guard ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE else {
          throw CryptoError(.malformed, "read PEM block \(blocks.count + 1)")
        }
        ERR_clear_error()
        return blocks
      }
      defer {
        CRYPTO_free(name, nil, 0)
        CRYPTO_free(header, nil, 0)
        CRYPTO_clear_free(contents, length, nil, 0)
      }
      blocks.append(
        PEMBlock(
          name: String(cString: name), header: String(cString: header),
          contents: Array(UnsafeBufferPointer(start: contents, count: length))))
    }
  }

  /// The block as PEM again, alone.
  func text() throws(CryptoError) -> [UInt8] {
    let bio = try MemoryBIO()
    guard PEM_write_bio(bio.pointer, name, header, contents, contents.count) > 0 else {
      throw CryptoError(.failed, "write a PEM block")
    }
    return bio.readAll()
  }
}

/// What lacks in a PEM file that should hold an identity.
public enum PEMBundleError: Error, Hashable, Sendable {
  /// The file, or a block of it, cannot be read.
  case unreadable(CryptoError)
  /// The file has no certificate.
  case noCertificate
  /// The file has no private key.
  case noPrivateKey
  /// The private key belongs to none of the file's certificates.
  case keyMatchesNoCertificate
}

extension PEMBundleError: CustomStringConvertible {
  /// The error in words.
  public var description: String {
    switch self {
    case .unreadable(let error): "\(error)"
    case .noCertificate: "the PEM file has no certificate"
    case .noPrivateKey: "the PEM file has no private key"
    case .keyMatchesNoCertificate: "the private key belongs to none of the certificates in the PEM file"
    }
  }
}

/// The certificates and private keys of a PEM file.
public struct PEMBundle: Sendable {
  /// The certificates in the order of the file.
  public let certificates: [X509Certificate]
  /// The private keys in the order of the file.
  public let privateKeys: [PrivateKey]

  /// Reads a PEM text; blocks that are neither certificate nor private key are skipped.
  public init(pem: some Collection<UInt8>, passphrase: String? = nil) throws(PEMBundleError) {
    do throws(CryptoError) {
      var certificates: [X509Certificate] = []
      var privateKeys: [PrivateKey] = []
      for block in try PEMBlock.all(in: pem) {
        if block.isCertificate { certificates.append(try X509Certificate(block)) }
        if block.isPrivateKey { privateKeys.append(try PrivateKey(block, passphrase: passphrase)) }
      }
      self.certificates = certificates
      self.privateKeys = privateKeys
    } catch {
      throw .unreadable(error)
    }
  }

  /// The first private key that has its certificate, that certificate, and the other certificates in their order.
  public func identity() throws(PEMBundleError) -> (
    key: PrivateKey, certificate: X509Certificate, others: [X509Certificate]
  ) {
    guard !certificates.isEmpty else { throw .noCertificate }
    guard !privateKeys.isEmpty else { throw .noPrivateKey }
    for key in privateKeys {
      guard let index = certificates.firstIndex(where: { $0.matches(key) }) else { continue }
      var others = certificates
      let certificate = others.remove(at: index)
      return (key, certificate, others)
    }
    throw .keyMatchesNoCertificate
  }
}
