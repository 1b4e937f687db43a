// Certificates, L7 rules and L7 policies of a listener, in Octavia's words.

import AmphoraCrypto
import AmphoraProtocol
import Files

extension ExplanationNotes {
  /// The certificates that a listener shows, and the CA of its clients' certificates.
  func certificates(_ section: Section) -> [Note] {
    section.lines.filter { $0.words.first == "bind" }.flatMap { line -> [Note] in
      func note(_ text: String) -> Note { Note(line: line.number, kind: .certificate, text: text) }
      var notes: [Note] = []
      if let list = Self.value(of: "crt-list", line.words) {
        guard let text = FileRead.text(list) else { return [note("TLS certificates: \(list) cannot be read")] }
        notes += Self.files(ofList: text).map { note("TLS certificate \(describe($0))") }
      }
      if let file = Self.value(of: "crt", line.words) { notes.append(note("TLS certificate \(describe(file))")) }
      if let file = Self.value(of: "ca-file", line.words) {
        let isRequired = Self.value(of: "verify", line.words) == "required"
        let who = isRequired ? "clients must have a certificate of" : "clients may have a certificate of"
        notes.append(note("\(who) \(describe(file))"))
      }
      return notes
    }
  }

  private static func value(of option: String, _ words: [String]) -> String? {
    words.firstIndex(of: option).flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
  }

  /// The first word of each line of a crt-list that is no comment.
  private static func files(ofList text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      line.split(whereSeparator: \.isWhitespace).first.flatMap { $0.hasPrefix("#") ? nil : String($0) }
    }
  }

  /// Subject and days left; a key beside it is neither read nor told.
  private func describe(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    guard let bytes = try? FileRead.bytes(path) else { return "\(name), which cannot be read" }
    do {
      let certificate = try X509Certificate(pem: bytes)
      let left = certificate.notAfter - now
      let age = left < 0 ? "EXPIRED \(-left / 86_400) days ago" : "\(left / 86_400) days left"
      return "\(certificate.subject), \(age) (\(name))"
    } catch {
      return "\(name): \(error)"
    }
  }

  /// The rules and policies of a listener; a policy's own id is not in the file.
  func policies(_ section: Section) -> [Note] {
    let rules = Set(section.lines.compactMap { $0.words.first == "acl" && $0.words.count > 2 ? $0.words[1] : nil })
    return section.lines.compactMap { line in
      let words = line.words
      if words[0] == "acl", words.count > 2 {
        return Note(
          line: line.number, kind: .rule, id: words[1], text: "L7 rule \(words[1]): \(Self.rule(words[2...]))")
      }
      guard let conditional = words.firstIndex(of: "if"), let action = Self.action(words[..<conditional]) else {
        return nil
      }
      let conditions = words[(conditional + 1)...]
      guard conditions.contains(where: { rules.contains($0.hasPrefix("!") ? String($0.dropFirst()) : $0) }) else {
        return nil
      }
      let text = conditions.map { $0.hasPrefix("!") ? "not \($0.dropFirst())" : $0 }.joined(separator: " and ")
      return Note(line: line.number, kind: .policy, text: "L7 policy: \(action) when \(text)")
    }
  }

  private static func action(_ words: ArraySlice<String>) -> String? {
    switch words.first {
    case "use_backend": "REDIRECT_TO_POOL \(words.last?.split(separator: ":").first ?? "?")"
    case "redirect" where words.contains("prefix"): "REDIRECT_PREFIX \(words.last ?? "")"
    case "redirect": "REDIRECT_TO_URL \(words.last ?? "")"
    case "http-request" where words.dropFirst().first == "deny": "REJECT"
    default: nil
    }
  }

  /// `req.hdr(host) -i -m beg www` is `HOST_NAME STARTS_WITH www`.
  private static func rule(_ words: ArraySlice<String>) -> String {
    let (criterion, rest) = (words.first ?? "", words.dropFirst())
    let comparison = Self.comparisons[Self.value(of: "-m", Array(rest)) ?? ""]
    let values = rest.enumerated().filter { offset, word in
      !word.hasPrefix("-") && (offset == 0 || rest[rest.startIndex + offset - 1] != "-m")
    }.map(\.element)
    return ([Self.type(criterion)] + (comparison.map { [$0] } ?? []) + values).joined(separator: " ")
  }

  private static let comparisons = [
    "str": "EQUAL_TO", "beg": "STARTS_WITH", "end": "ENDS_WITH", "sub": "CONTAINS", "reg": "REGEX",
  ]

  private static func type(_ criterion: String) -> String {
    let parts = criterion.split(separator: "(", maxSplits: 1)
    let key = parts.count == 2 ? String(parts[1].prefix { $0 != ")" }) : ""
    switch parts.first {
    case "req.hdr" where key.lowercased() == "host": return "HOST_NAME"
    case "req.hdr": return "HEADER \(key)"
    case "req.cook": return "COOKIE \(key)"
    case "path": return "PATH"
    case "path_end": return "FILE_TYPE"
    case "ssl_c_used": return "SSL_CONN_HAS_CERT"
    case "ssl_c_verify": return "SSL_VERIFY_RESULT"
    case "ssl_c_s_dn": return "SSL_DN_FIELD \(key)"
    default: return criterion
    }
  }
}
