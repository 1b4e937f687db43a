// `amphora-agent explain haproxy`: a load balancer's configuration with comments that say what each part is to Octavia, and
// how it is doing.

package import AmphoraProtocol
import Files
import FoundationEssentials

/// A configuration with what is to be said about its lines.
package struct HAProxyExplanation: Sendable {
  /// What is said about one line, or about the section that it begins.
  package struct Note: Codable, Hashable, Sendable {
    /// What of Octavia's stands there.
    package enum Kind: String, Codable, Sendable {
      case loadBalancer = "load balancer"
      case defaults, peers, listener, certificate, pool, member
      case healthMonitor = "health monitor"
      case rule = "L7 rule"
      case policy = "L7 policy"
      /// Of the agent's own making or haproxy's.
      case other
    }

    /// Counted from 1.
    package let line: Int
    package let kind: Kind
    /// The object's id; nil for those whose id is not in the file.
    package var id: String?
    package var text: String
    /// What haproxy says of it now, by haproxy's names of columns; nil when it says nothing.
    package var state: [String: String]?
  }

  package let loadBalancer: LoadBalancerID
  package let file: String
  /// Why there is no state; nil when there is.
  package let silence: String?
  package let notes: [Note]
  private let bytes: [UInt8]

  /// What begins each line that is added, so that they can be taken away again.
  package static let mark = "#:"

  /// Puts an explanation together.
  init(_ id: LoadBalancerID, file: String, bytes: [UInt8], silence: String?, notes: [Note]) {
    loadBalancer = id
    self.file = file
    self.bytes = bytes
    self.silence = silence
    self.notes = notes.sorted { $0.line < $1.line }
  }

  /// Reads a load balancer's configuration and asks its haproxy; blocks for at most 2 s.
  package static func read(_ id: LoadBalancerID, _ paths: AgentPaths) throws -> HAProxyExplanation {
    let file = paths.configuration(of: id)
    let bytes = try FileRead.bytes(file)
    var live: BalancerObservation.Answer?
    var silence: String?
    if LoadBalancerStore(paths: paths).isRunning(id) {
      let socket = StatsSocket(path: paths.statsSocket(of: id))
      do throws(StatsSocketError) {
        live = BalancerObservation.Answer(information: try socket.showInfo(), table: try socket.showStat())
      } catch { silence = "\(error)" }
    } else {
      silence = "haproxy does not run"
    }
    let notes = ExplanationNotes(id, HAProxySections(parsing: bytes), live, now: UnixTime.now).all
    return HAProxyExplanation(id, file: file, bytes: bytes, silence: silence, notes: notes)
  }

  /// The file's bytes as they are, with a comment before each line that there is something to say about.
  package var annotated: [UInt8] {
    var result = Array(head.utf8)
    var rest = notes[...]
    var isContinued = false
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      if index > 0 { result.append(UInt8(ascii: "\n")) }
      while let note = rest.first, note.line <= index + 1 {
        rest.removeFirst()
        // A comment would become part of the line before.
        if isContinued { continue }
        let indentation = line.prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        result += Self.comment(note.text, indentation: String(decoding: indentation, as: UTF8.self)).utf8
      }
      result += line
      isContinued = line.last == UInt8(ascii: "\\")
    }
    return result
  }

  private var head: String {
    let state = silence.map { "No state: \($0)." } ?? "States are those of this moment."
    return Self.comment(
      "\(file), explained. Lines that begin with \(Self.mark) are not in the file. Octavia's configuration has ids only; "
        + "for names ask: openstack loadbalancer listener|pool|member show ID. \(state)", indentation: "")
  }

  /// Comment lines of at most 80 columns, a longer word apart.
  private static func comment(_ text: String, indentation: String) -> String {
    var (lines, line) = ([String](), "")
    for word in BalancerText.line(text).split(separator: " ") {
      if !line.isEmpty && indentation.count + mark.count + line.count + word.count + 1 > 79 {
        lines.append(line)
        // What goes on is set in.
        line = "  "
      }
      line += " \(word)"
    }
    return (lines + [line]).map { "\(indentation)\(mark)\($0)\n" }.joined()
  }

  /// One JSON object with `loadBalancer`, `file`, `silence` and `objects`, each with its line.
  package func json() throws -> String {
    struct Body: Encodable {
      let loadBalancer: String
      let file: String
      let silence: String?
      let objects: [Note]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let body = Body(loadBalancer: loadBalancer.text, file: file, silence: silence, objects: notes)
    return String(decoding: try encoder.encode(body), as: UTF8.self)
  }
}
