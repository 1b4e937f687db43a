// What can be wrong with haproxy and keepalived.

package enum HAProxyChecks {
  package static var all: [any DoctorCheck] { [BalancerExamination(), VRRPExamination(), DatagramExamination()] }

  /// The names under which they report; each looks once and judges by several rules.
  package static var names: [String] {
    BalancerExamination().rules.map(\.name) + VRRPExamination.names + DatagramExamination.names
  }
}
