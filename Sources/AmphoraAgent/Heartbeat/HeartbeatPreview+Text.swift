// The preview in print.

import AmphoraProtocol
import FoundationEssentials

extension HeartbeatPreview {
  /// The summary, then the message, indented.
  package var report: String {
    let size =
      sizes.map {
        "message \($0.message) bytes, compressed \($0.compressed), datagram \($0.datagram) of at most \($0.limit)"
      } ?? "does not fit one datagram of \(HeartbeatEnvelope.maximumPayloadIPv4) bytes"
    var lines = ["Size      \(size)"]
    if let form { lines.append("Form      \(form)") }
    for (index, lookup) in destinations.enumerated() {
      lines.append("\(index == 0 ? "To       " : "         ") \(lookup)")
    }
    if destinations.count > 1 { lines.append("          one in turn every \(interval) s") }
    lines.append("VRRP      \(gate)")
    for (object, problem) in problems.sorted(by: { $0.key < $1.key }) {
      lines.append("Missing   \(object): \(problem)")
    }
    lines.append("Silence   \(silence.map { "nothing would be sent: \($0)" } ?? "no: this would be sent")")
    return lines.joined(separator: "\n") + "\n\n" + JSONLayout.indented(text)
  }

  /// The summary with the message in it, as one JSON object.
  package func json() throws -> String {
    struct Destination: Encodable {
      let endpoint: String
      let address: String?
    }
    struct Body: Encodable {
      let sizes: Sizes?
      let form: String?
      let destinations: [Destination]
      let vrrp: String
      let problems: [String: String]
      let silence: String?
      let interval: Int
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let body = Body(
      sizes: sizes, form: form,
      destinations: destinations.map { .init(endpoint: "\($0.endpoint)", address: $0.destination?.description) },
      vrrp: "\(gate)", problems: problems, silence: silence, interval: interval)
    let summary = String(decoding: try encoder.encode(body), as: UTF8.self)
    // The message is JSON already, in the order of the wire.
    return JSONLayout.indented(summary.dropLast() + ",\"message\":" + text + "}")
  }
}

extension DestinationLookup: CustomStringConvertible {
  /// The endpoint, and its address where that says more.
  package var description: String {
    guard let destination else { return "\(endpoint): cannot be resolved" }
    return destination.description == endpoint.description ? "\(endpoint)" : "\(endpoint) at \(destination)"
  }
}

extension VRRPGate: CustomStringConvertible {
  /// What it means for heartbeats.
  package var description: String {
    switch self {
    case .absent: "not set up, asks for no silence"
    case .open(let pid): "keepalived runs (process \(pid)), asks for no silence"
    case .closed(let reason): "silence, because VRRP is set up and keepalived does not run: \(reason)"
    }
  }
}

/// Line breaks and indentation for JSON that has none.
package enum JSONLayout {
  /// The same JSON with a line for each value, two blanks a level.
  package static func indented(_ json: some StringProtocol) -> String {
    var output: [UInt8] = []
    var depth = 0
    var isInString = false
    var isEscaped = false
    var previous: UInt8 = 0
    func breakLine() { output += [UInt8(ascii: "\n")] + [UInt8](repeating: 0x20, count: 2 * depth) }
    for byte in json.utf8 {
      if isInString {
        output.append(byte)
        isInString = isEscaped || byte != UInt8(ascii: "\"")
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        previous = byte
        continue
      }
      switch byte {
      case 0x20, 0x0A, 0x0D, 0x09: continue
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        // Behind an opening bracket: it is empty.
        if previous != byte - 2 { breakLine() }
        output.append(byte)
      default:
        if previous == UInt8(ascii: "{") || previous == UInt8(ascii: "[") { breakLine() }
        output.append(byte)
        if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { depth += 1 }
        if byte == UInt8(ascii: ":") { output.append(0x20) }
        if byte == UInt8(ascii: ",") { breakLine() }
        isInString = byte == UInt8(ascii: "\"")
      }
      previous = byte
    }
    return String(decoding: output, as: UTF8.self)
  }
}
