// What can go wrong with a UDP or SCTP listener, in terms of the request; API/ErrorMapper.swift gives each its answer.

package import AmphoraProtocol

/// What is really done to a listener's keepalived.
package enum LVSAction: String, Sendable {
  case start, stop
  /// What controllers call a reload: members' states begin anew (contract services §5.3).
  case restart

  /// As upstream forms it: `stoped`.
  package var pastTense: String { rawValue + "ed" }
}

/// An operation on a UDP or SCTP listener that failed.
package enum LVSError: Error, CustomStringConvertible, Sendable {
  case unknown(ListenerID)
  /// keepalived cannot make sense of the configuration; its words.
  case rejected(output: String)
  case enableFailed(output: String)
  case actionFailed(LVSAction, ListenerID, output: String)
  /// The stop that a delete begins with failed.
  case stopBeforeDeleteFailed(output: String)
  case disableFailed(ListenerID, output: String)

  package var description: String {
    switch self {
    case .unknown(let id): "no UDP or SCTP listener \(id)"
    case .rejected(let output): "keepalived refuses the configuration: \(output)"
    case .enableFailed(let output): "the unit could not be enabled: \(output)"
    case .actionFailed(let action, let id, let output): "\(action.rawValue) of listener \(id) failed: \(output)"
    case .stopBeforeDeleteFailed(let output): "stop before delete failed: \(output)"
    case .disableFailed(let id, let output): "the unit of listener \(id) could not be disabled: \(output)"
    }
  }
}
