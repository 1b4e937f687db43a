// Logging of conditions that last: once when they begin or change, once when they end, not every interval.

import Logging

/// The current condition of each topic.
struct ChangeLog: Sendable {
  private let logger: Logger
  private var current: [String: String] = [:]

  init(logger: Logger) { self.logger = logger }

  /// Notes the condition of a topic; an empty text means that all is well.
  mutating func note(_ topic: String, _ text: String, _ level: Logger.Level) {
    let before = current[topic] ?? ""
    guard text != before else { return }
    current[topic] = text.isEmpty ? nil : text
    if text.isEmpty {
      logger.notice("heartbeat: over: \(before)")
    } else {
      logger.log(level: level, "heartbeat: \(text)")
    }
  }
}
