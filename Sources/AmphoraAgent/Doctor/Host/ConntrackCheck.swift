// The kernel's table of connections, through which all traffic that is not haproxy's own goes.

import Files
import Netlink

/// Whether the table of connections has room.
struct ConntrackCheck: DoctorCheck {
  let name = "conntrack"

  func run(_ amphora: LocalAmphora) async -> [Finding] {
    let namespace = amphora.interfaces.namespace
    let readings =
      (try? await BlockingIO.run { () -> [(String, Reading)] in
        var all = [("the root namespace", Reading.here())]
        // Of a namespace that is missing another check tells.
        if namespace.exists { all.append((namespace.name, try namespace.runBlocking { Reading.here() })) }
        return all.compactMap { place, reading in reading.map { (place, $0) } }
      }) ?? []
    let findings = readings.compactMap { judge($0.1, $0.0) }
    guard findings.isEmpty, let largest = readings.max(by: { $0.1.entries < $1.1.entries })?.1 else { return findings }
    return [.pass(name, "\(largest.entries) of \(largest.limit) entries")]
  }

  func judge(_ reading: Reading, _ place: String) -> Finding? {
    let remedy = "sysctl -w net.netfilter.nf_conntrack_max=\(reading.limit * 2)"
    let fill = "\(place): \(reading.entries) of \(reading.limit) entries are in use"
    // When it is full, packets of new connections are dropped without a word to anybody (nf_conntrack: table full).
    if reading.entries >= reading.limit { return .failure(name, "\(fill): new connections fail", remedy: remedy) }
    if reading.entries * 10 >= reading.limit * 9 { return .warning(name, fill, remedy: remedy) }
    guard reading.drops > 0 else { return nil }
    return .warning(
      name,
      "\(place): \(Readable.count(reading.drops, "packet")) of new connections dropped since the boot, the table was full",
      remedy: "\(remedy) (the counter stays until the next boot)")
  }

  /// The table's state in one network namespace.
  struct Reading: Equatable, Sendable {
    var entries: Int
    var limit: Int
    var drops: Int

    /// In the calling thread's namespace; nil where connections are not tracked.
    static func here() -> Reading? {
      func number(_ key: String) -> Int? { (try? Sysctl.read("net/netfilter/nf_conntrack_\(key)")).flatMap { Int($0) } }
      guard let entries = number("count"), let limit = number("max"), limit > 0 else { return nil }
      return Reading(
        entries: entries, limit: limit, drops: drops(FileRead.text("/proc/thread-self/net/stat/nf_conntrack") ?? ""))
    }

    /// Packets that found no room, of all processors: a header line, and per processor a line of hexadecimal numbers.
    static func drops(_ text: String) -> Int {
      let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
      guard let header = lines.first else { return 0 }
      // `early_drop` evicts an old entry for a new one: no packet is lost.
      guard let column = header.firstIndex(of: "drop") else { return 0 }
      return lines.dropFirst().reduce(0) { sum, line in
        sum + (line.indices.contains(column) ? Int(line[column], radix: 16) ?? 0 : 0)
      }
    }
  }
}
