// swift-log's handler: `message key=value …` on one line, whatever the values hold.

package import Logging

/// Formats lines and hands them to a sink.
package struct AgentLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  private let sink: any LogSink
  private let level: LogLevel

  package init(sink: any LogSink, level: LogLevel) {
    self.sink = sink
    self.level = level
  }

  /// A logger over a sink.
  package static func logger(_ label: String, sink: any LogSink, level: LogLevel) -> Logger {
    Logger(label: label) { _ in AgentLogHandler(sink: sink, level: level) }
  }

  package var logLevel: Logger.Level {
    get { level.isDebug ? .debug : .info }
    set { level.configure(debug: newValue <= .debug) }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var line = Self.escape(event.message.description, isValue: false)
    var all = event.metadata.map { metadata.merging($0) { _, new in new } } ?? metadata
    if let request = RequestID.current { all["request"] = "\(request)" }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) {
      line += " \(key)=\(Self.escape("\(value)", isValue: true))"
    }
    sink.write(line, Self.severity(event.level))
  }

  private static func severity(_ level: Logger.Level) -> Severity {
    switch level {
    case .trace, .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error, .critical: .error
    }
  }

  /// One line stays one line, and a value with blanks stays one value.
  private static func escape(_ text: String, isValue: Bool) -> String {
    let needsQuotes = isValue && (text.isEmpty || text.contains { $0 == " " || $0 == "\"" || $0 == "=" })
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": escaped += "\\n"
      case "\r": escaped += "\\r"
      case "\"" where needsQuotes: escaped += "\\\""
      case let control where control.value < 0x20 || control.value == 0x7F: escaped += " "
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return needsQuotes ? "\"\(escaped)\"" : escaped
  }
}
