// The wall clock, for certificates' dates.

import Glibc

/// Seconds since 1970-01-01 UTC.
package enum UnixTime {
  /// Now.
  package static var now: Int64 { Int64(time(nil)) }
}
