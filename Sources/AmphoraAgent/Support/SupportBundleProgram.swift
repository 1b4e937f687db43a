// The command around a support bundle: where it goes and how it is compressed.

import AmphoraProtocol
import Glibc

/// Collects, compresses and writes a bundle.
package struct SupportBundleProgram: Sendable {
  /// What was written.
  package struct Result: Sendable {
    /// The file; `-` for standard output.
    package let file: String
    /// Parts that failed or are not whole.
    package let problems: Int
  }

  private let amphora: LocalAmphora
  private let output: String?
  private let since: Duration
  private let limits: SupportBundle.Limits

  /// - Parameter output: a file that does not exist, `-`, or nil for a name in /var/tmp.
  package init(
    amphora: LocalAmphora, output: String?, since: Duration, limits: SupportBundle.Limits = SupportBundle.Limits()
  ) {
    self.amphora = amphora
    self.output = output
    self.since = since
    self.limits = limits
  }

  /// Runs; `progress` gets lines for a person.
  package func run(progress: @escaping @Sendable (String) -> Void) async throws -> Result {
    // A reader that goes away is an error to tell of.
    signal(SIGPIPE, SIG_IGN)
    // Asked before the work and again when writing: seconds lie between the two.
    if let output, output != "-" { try BundleFile.check(output) }
    let archive = await SupportBundle(amphora, since: since, limits: limits, progress: progress).collect()
    let wantsGzip = output?.hasSuffix(".gz") == true || output?.hasSuffix(".tgz") == true
    let zstd = wantsGzip ? nil : await BundleCommand.zstd(archive.tar)
    let bytes = try zstd ?? Gzip.compress(archive.tar)
    var file = output ?? "/var/tmp/\(archive.name).tar.\(zstd == nil ? "gz" : "zst")"
    if zstd == nil, !wantsGzip {
      progress("zstd(1) is not installed or failed: compressed with gzip")
      if file.hasSuffix(".zst") { file = file.dropLast(3) + "gz" }
    }
    if file == "-" {
      try BundleFile.writeAll(bytes, to: 1, "standard output")
    } else {
      try BundleFile.write(bytes, to: file)
    }
    let remark = archive.problems == 0 ? "" : "; \(archive.problems) parts failed, see MANIFEST.txt in it"
    progress("\(archive.files) files, \(archive.tar.count) bytes, compressed \(bytes.count)\(remark)")
    return Result(file: file, problems: archive.problems)
  }
}
