// What can be wrong with haproxy and keepalived.

package enum HAProxyChecks {
  package static var all: [any DoctorCheck] { [] }
}
