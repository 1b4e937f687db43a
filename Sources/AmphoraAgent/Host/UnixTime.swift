// The wall clock, for certificates' dates.

import Glibc

/// Seconds since 1970-01-01 UTC.
package enum UnixTime {
  /// Now.
  package static var now: Int64 { Int64(time(nil)) }

  /// Now, with fractions of a second.
  package static var precise: Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
