// The names in a certificate.

import CCrypto

extension X509Certificate {
  /// The subject's common name; the last one when there are several, as TLS libraries read it.
  public var commonName: String? {
    let name = X509_get_subject_name(pointer)
    var index: Int32 = -1
    while true {
      let next = X509_NAME_get_index_by_NID(name, NID_commonName, index)
      guard next >= 0 else { break }
      index = next
    }
    guard index >= 0, let entry = X509_NAME_get_entry(name, index) else { return nil }
    return Self.text(X509_NAME_ENTRY_get_data(entry))
  }

  /// The DNS names of the subject alternative name extension, in their order.
  public var dnsNames: [String] {
    guard let raw = X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) else { return [] }
    let names = OpaquePointer(raw)
    defer { GENERAL_NAMES_free(names) }
    return (0..<max(0, OPENSSL_sk_num(names))).compactMap { index in
      guard let value = OPENSSL_sk_value(names, index) else { return nil }
      let name = value.assumingMemoryBound(to: GENERAL_NAME.self)
      var type: Int32 = 0
      guard let string = GENERAL_NAME_get0_value(name, &type), type == GEN_DNS else { return nil }
      return Self.text(string.assumingMemoryBound(to: ASN1_STRING.self))
    }
  }

  /// The names a TLS client compares with: the DNS names, or the common name where there are none.
  public var hostNames: [String] {
    let names = dnsNames
    return names.isEmpty ? commonName.map { [$0] } ?? [] : names
  }

  /// The subject in RFC 2253 form: `CN=amphora`.
  public var subject: String { Self.rfc2253(X509_get_subject_name(pointer)) }

  /// The issuer in RFC 2253 form.
  public var issuer: String { Self.rfc2253(X509_get_issuer_name(pointer)) }

  /// The text of an ASN.1 string; nil when it holds a NUL, with which names have been forged.
  private static func text(_ string: UnsafeMutablePointer<ASN1_STRING>?) -> String? {
    var buffer: UnsafeMutablePointer<UInt8>?
    let length = ASN1_STRING_to_UTF8(&buffer, string)
    guard length >= 0, let buffer else {
      ERR_clear_error()
      return nil
    }
    defer { CRYPTO_free(buffer, nil, 0) }
    let bytes = UnsafeBufferPointer(start: buffer, count: Int(length))
    return bytes.contains(0) ? nil : String(decoding: bytes, as: UTF8.self)
  }

  private static func rfc2253(_ name: OpaquePointer?) -> String {
    guard let bio = try? MemoryBIO() else { return "" }
    // XN_FLAG_RFC2253 is a compound macro, which Swift does not see. These are its parts but one: text beyond ASCII is
    // left as UTF-8 instead of escaped (ASN1_STRFLGS_ESC_MSB).
    let strings =
      ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_DUMP_UNKNOWN
      | ASN1_STRFLGS_DUMP_DER
    let separatorCommaPlus = 1 << 16
    let reversedOrder = 1 << 20
    let dumpUnknownFields = 1 << 24
    let flags = UInt(Int(strings) | separatorCommaPlus | reversedOrder | dumpUnknownFields)
    X509_NAME_print_ex(bio.pointer, name, 0, flags)
    return String(decoding: bio.readAll(), as: UTF8.self)
  }
}
