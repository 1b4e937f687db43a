// `amphora-agent support-bundle`: everything that helps to find out later, elsewhere, what was wrong with an amphora.

import AmphoraProtocol
import Files
import FoundationEssentials
import Glibc
import Synchronization

/// Collects a support bundle; changes nothing on the amphora.
package struct SupportBundle: Sendable {
  /// How long and how large things may become.
  package struct Limits: Sendable {
    /// One file of the bundle, in bytes.
    package var entry = 8 << 20
    /// All files together, before compression.
    package var total = 64 << 20
    /// One program, socket or other part.
    package var part = Duration.seconds(10)
    /// All parts together.
    package var whole = Duration.seconds(48)

    package init() {}
  }

  /// A finished bundle.
  package struct Archive: Sendable {
    /// The name without folder and suffix; also that of the folder inside.
    package let name: String
    /// The tar archive.
    package let tar: [UInt8]
    /// Parts that failed or are not whole.
    package let problems: Int
    /// Parts in it.
    package let files: Int
  }

  /// What became of one part.
  private struct Line {
    let name: String
    let bytes: Int
    let milliseconds: Int
    let problem: String?
  }

  private enum Outcome: Sendable {
    case content(BundlePart.Content)
    case absent
    case failed(String)
  }

  private let amphora: LocalAmphora
  private let limits: Limits
  private let sections: [BundleSection]
  private let redaction: Redaction
  private let progress: @Sendable (String) -> Void

  /// - Parameters:
  ///   - since: how far back the journal goes.
  ///   - progress: told a line at the beginning of each section.
  package init(
    _ amphora: LocalAmphora, since: Duration, limits: Limits = Limits(), places: BundlePlaces = BundlePlaces(),
    progress: @escaping @Sendable (String) -> Void
  ) {
    self.init(
      amphora, sections: BundleSection.all(of: amphora, since: since, places: places), limits: limits,
      progress: progress)
  }

  init(
    _ amphora: LocalAmphora, sections: [BundleSection], limits: Limits, progress: @escaping @Sendable (String) -> Void
  ) {
    self.amphora = amphora
    self.limits = limits
    self.sections = sections
    self.progress = progress
    redaction = Redaction(secrets: KnownSecrets.of(amphora))
  }

  /// Collects everything.
  package func collect() async -> Archive {
    let now = UnixTime.now
    let name = "amphora-support-\(label)-\(Self.stamp(Int(now)))"
    var tar = TarArchive(time: Int(now))
    var manifest: [Line] = []
    let end = ContinuousClock.now + limits.whole
    for (index, section) in sections.enumerated() {
      progress("[\(index + 1)/\(sections.count)] \(section.title)")
      for part in section.parts {
        if let line = await add(part, to: &tar, under: name, until: end) { manifest.append(line) }
      }
    }
    let text = redaction.redacted(Self.text(of: manifest, title: name))
    tar.append(Array(text.utf8), named: "\(name)/MANIFEST.txt")
    return Archive(
      name: name, tar: tar.finished(), problems: manifest.count { $0.problem != nil },
      files: manifest.count { $0.bytes > 0 })
  }

  /// Collects one part, redacts it, and puts it into the archive; nil when there is nothing to tell of.
  private func add(
    _ part: BundlePart, to tar: inout TarArchive, under folder: String, until end: ContinuousClock.Instant
  ) async -> Line? {
    let begun = ContinuousClock.now
    func line(_ bytes: Int, _ problem: String?) -> Line {
      let took = (ContinuousClock.now - begun).components
      let milliseconds = Int(took.seconds) * 1000 + Int(took.attoseconds / 1_000_000_000_000_000)
      return Line(name: part.name, bytes: bytes, milliseconds: milliseconds, problem: problem)
    }
    let time = min(limits.part, end - begun)
    guard time > .zero else { return line(0, "left out: the \(limits.whole) for all of it were over") }
    let limit = min(limits.entry, limits.total - tar.count)
    guard limit > 4096 else { return line(0, "left out: the bundle's \(limits.total) bytes are full") }
    switch await outcome(of: part, limit: limit, time: time) {
    case .absent: return nil
    case .failed(let reason): return line(0, reason)
    case .content(let content):
      let bytes = BoundedBytes(redaction.redacted(content.bytes), limit: limit).bytes
      guard tar.append(bytes, named: "\(folder)/\(part.name)") else { return line(0, "its name is too long for tar") }
      return line(bytes.count, content.problem)
    }
  }

  /// Runs a part, and gives it up after its time: one that hangs in the kernel must not hold the others.
  private func outcome(of part: BundlePart, limit: Int, time: Duration) async -> Outcome {
    let (results, feed) = AsyncStream.makeStream(of: Outcome.self, bufferingPolicy: .bufferingOldest(1))
    let work = Task {
      do {
        let content = try await part.collect(limit, time)
        feed.yield(content.map(Outcome.content) ?? .absent)
      } catch {
        feed.yield(.failed("\(error)"))
      }
    }
    let alarm = Task {
      // Later than what the part itself does about its time, which keeps what came.
      try await Task.sleep(for: time + .milliseconds(500))
      feed.yield(.failed("gave nothing within \(time)"))
    }
    defer {
      work.cancel()
      alarm.cancel()
    }
    for await outcome in results { return outcome }
    return .failed("was ended")
  }

  /// The amphora's id, else the host's name, with nothing in it that a file name should not have.
  private var label: String {
    let id = (try? amphora.configuration.get())?.amphoraID ?? HostFacts.hostname()
    let safe = id.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    return safe.isEmpty ? "amphora" : String(safe.prefix(36))
  }

  /// Such as `20260131T235959Z`.
  private static func stamp(_ time: Int) -> String {
    var (seconds, parts) = (time_t(time), tm())
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))Z"
  }

  private static func text(of lines: [Line], title: String) -> String {
    func column(_ number: Int, _ width: Int) -> String {
      let text = String(number)
      return String(repeating: " ", count: max(0, width - text.count)) + text
    }
    let rows = lines.map { line in
      column(line.bytes, 10) + column(line.milliseconds, 8) + "  " + line.name
        + (line.problem.map { "  — \($0)" } ?? "")
    }
    return ([title, "Secrets are replaced by \(Redaction.mark).", "", "     bytes      ms  file"] + rows).joined(
      separator: "\n")
      + "\n"
  }
}

/// Secrets that the amphora's own files name, so that they can be removed wherever they occur.
enum KnownSecrets {
  static func of(_ amphora: LocalAmphora, environment: [String: String] = ProcessInfo.processInfo.environment)
    -> [String]
  {
    var secrets: [String] = []
    if let key = (try? amphora.configuration.get())?.heartbeatKey { secrets.append(key.revealed) }
    // Of a file that the agent refuses as well, and also the values that others override.
    if let bytes = try? BoundedBytes.file(amphora.configurationFile, limit: INIDocument.maximumSize) {
      let assignments = INIDocument.parseTolerantly(bytes.bytes, file: amphora.configurationFile).document.assignments
      secrets += assignments.filter { Redaction.isSecretName($0.key) }.map(\.value)
    }
    secrets += environment.filter { $0.key.hasPrefix("OS_") && Redaction.isSecretName($0.key) }.map(\.value)
    let store = LoadBalancerStore(paths: amphora.paths)
    // With those that were refused or replaced, which are in the bundle as well.
    let folders = [amphora.paths.vrrpDirectory, amphora.paths.lvsDirectory] + store.ids().map(amphora.paths.directory)
    for file in folders.flatMap({ folder in FileRead.names(in: folder).map { "\(folder)/\($0)" } }) {
      secrets += words(behind: ["auth_pass", "password", "insecure-password"], in: file)
    }
    return secrets
  }

  private static func words(behind names: Set<Substring>, in file: String) -> [String] {
    guard let bytes = try? BoundedBytes.file(file, limit: 8 << 20).bytes else { return [] }
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).flatMap { line in
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      return zip(words, words.dropFirst()).filter { names.contains($0.0) }.map { pair in
        String(pair.1.filter { $0 != "\"" })
      }
    }
  }
}
