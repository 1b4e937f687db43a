// How long certificates live (contract agent-api §5 W14). Controllers delete a listener's certificates before they send the
// configuration that no longer names them, and never delete crt-lists, CAs, CRLs and certificates that were replaced.

package import AmphoraProtocol
import Files
import Glibc

extension CertificateStore {
  /// Removes what the configuration that haproxy now runs does not name: files marked as deleted, and files that are
  /// older than the configuration.
  ///
  /// A newer file is for a configuration that is still to come: controllers send certificates first.
  package func removeUnused(of id: LoadBalancerID) async throws {
    try await BlockingIO.run {
      let configuration = paths.configuration(of: id)
      guard let written = Self.modified(configuration) else { return }
      let used = named(by: [configuration], of: id)
      for name in names(of: id) where !used.contains(name) {
        let file = paths.certificate(name, of: id)
        let isMarked = isDeleted(name, of: id)
        guard isMarked || Self.modified(file).map({ $0 < written }) ?? false else { continue }
        try DurableFile.remove(file)
        if isMarked { try DurableFile.remove(paths.tombstone(name, of: id)) }
      }
    }
  }

  /// Whether the file is only kept for a configuration that still names it.
  func isDeleted(_ name: CertificateFileName, of id: LoadBalancerID) -> Bool {
    FileRead.exists(paths.tombstone(name, of: id))
  }

  /// The files that configurations name, and those that crt-lists among them name.
  ///
  /// A file counts as named where its name stands anywhere, whatever the option or the folder before it: a file too many
  /// does no harm.
  func named(by configurations: [String], of id: LoadBalancerID) -> Set<CertificateFileName> {
    let all = names(of: id)
    let folder = paths.certificateDirectory(of: id)
    var named: Set<CertificateFileName> = []
    var texts = configurations.compactMap { try? FileRead.bytes($0) }
    while let text = texts.popLast() {
      let words = Self.words(text)
      // A folder stands for all files in it.
      if words.contains(folder) || words.contains("\(folder)/") { return Set(all) }
      let files = Set(words.map { $0.split(separator: "/").last.map(String.init) ?? $0 })
      for name in all where files.contains(name.text) && named.insert(name).inserted {
        guard let content = try? FileRead.bytes(paths.certificate(name, of: id)) else { continue }
        let isPEM = content.starts(with: "-----BEGIN".utf8)
        if !isPEM { texts.append(content) }
      }
    }
    return named
  }

  private func names(of id: LoadBalancerID) -> [CertificateFileName] {
    FileRead.names(in: paths.certificateDirectory(of: id)).compactMap { CertificateFileName($0) }
  }

  static func words(_ text: [UInt8]) -> Set<String> {
    let separators = Set(" \t\r\n\"'[](),:=".utf8)
    return Set(text.split { separators.contains($0) }.map { String(decoding: $0, as: UTF8.self) })
  }

  /// When a file was written, in nanoseconds since 1970.
  private static func modified(_ path: String) -> Int? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
  }
}
