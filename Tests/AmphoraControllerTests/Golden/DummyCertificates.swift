// Certificates, keys and revocation lists for configurations that name such files.

import Foundation

/// A certificate with its key, and an empty revocation list from it.
struct DummyCertificates {
  /// Certificate and key.
  let certificate: String
  let revocationList: String

  init() throws {
    let folder = try TemporaryFolder()
    let key = "\(folder.path)/key.pem"
    let certificate = "\(folder.path)/certificate.pem"
    try Self.openssl([
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", "/CN=www.example.com", "-keyout", key, "-out", certificate,
    ])
    let configuration = """
      [ca]
      default_ca = dummy
      [dummy]
      database = \(try folder.write("", to: "index.txt"))
      default_md = sha256
      default_crl_days = 2
      """
    let revocationList = "\(folder.path)/crl.pem"
    try Self.openssl([
      "ca", "-gencrl", "-config", try folder.write(configuration + "\n", to: "ca.cnf"), "-keyfile", key,
      "-cert", certificate, "-out", revocationList,
    ])
    self.certificate =
      try String(contentsOfFile: certificate, encoding: .utf8)
      + String(contentsOfFile: key, encoding: .utf8)
    self.revocationList = try String(contentsOfFile: revocationList, encoding: .utf8)
  }

  /// Writes a file to each path that a configuration names below a folder.
  func writeFiles(for configuration: String, below folder: TemporaryFolder) throws {
    let certificateFile = try folder.write(certificate, to: "certificate.pem")
    for line in configuration.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      for (option, path) in zip(words, words.dropFirst()) where path.hasPrefix("\(folder.path)/") {
        let name = String(path.dropFirst(folder.path.count + 1))
        switch option {
        case "crt-list": _ = try folder.write("\(certificateFile)\n", to: name)
        case "crt", "ca-file": _ = try folder.write(certificate, to: name)
        case "crl-file": _ = try folder.write(certificate + revocationList, to: name)
        default: break
        }
      }
    }
  }

  private static func openssl(_ arguments: [String]) throws {
    let (status, output) = try HAProxyProcess.run(HAProxyProcess.opensslPath ?? "openssl", arguments)
    guard status == 0 else { throw Failure(output: output) }
  }

  struct Failure: Error { let output: String }
}
