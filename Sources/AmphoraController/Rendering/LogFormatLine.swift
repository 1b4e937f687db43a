// The format of a listener's log lines (contract §4.5).

/// The argument of `log-format`.
struct LogFormatLine {
  let input: HAProxyInput
  let listener: Listener

  /// The format as one word.
  var format: String {
    var format = input.options.userLogFormat?.rawValue ?? DefaultOptions.userLogFormat
    format.replace("{{ project_id }}", with: input.loadBalancer.projectID.rawValue)
    format.replace("{{ lb_id }}", with: input.loadBalancer.id.rawValue)
    if listener.protocol != .http, listener.protocol != .terminatedHTTPS {
      // Without HTTP there is neither a request line nor a status code.
      for variable in ["%{+Q}r", "%r", "%{+Q}ST", "%ST"] { format.replace(variable, with: "-") }
    }
    return input.escaping.logFormat(format)
  }
}
