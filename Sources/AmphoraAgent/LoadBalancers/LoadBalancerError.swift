// What can go wrong with a load balancer, in terms of the request; API/ErrorMapper.swift gives each its answer.

package import AmphoraProtocol

/// A load balancer operation that failed.
package enum LoadBalancerError: Error, CustomStringConvertible, Sendable {
  case unknown(ServiceObjectID)
  /// The body is not UTF-8.
  case notText
  /// haproxy refused the configuration; its words.
  case rejected(output: String)
  case enableFailed(output: String)
  /// A start, stop or reload that failed; the words of supervisor and haproxy.
  case actionFailed(ServiceAction, output: String)
  /// The stop that a delete begins with failed.
  case stopBeforeDeleteFailed(output: String)

  package var description: String {
    switch self {
    case .unknown(let id): "no load balancer \(id)"
    case .notText: "the configuration is not UTF-8 text"
    case .rejected(let output): "haproxy refuses the configuration: \(output)"
    case .enableFailed(let output): "the unit could not be enabled: \(output)"
    case .actionFailed(let action, let output): "\(action.rawValue) failed: \(output)"
    case .stopBeforeDeleteFailed(let output): "stop before delete failed: \(output)"
    }
  }
}
