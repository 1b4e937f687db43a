// Whether it is within a certificate's time, in the words of a finding.

import AmphoraCrypto
import Glibc

/// Where the present lies in a certificate's validity.
enum CertificateLife: Equatable {
  case over(String)
  case notBegun(String)
  /// Valid for so many more days.
  case valid(days: Int, until: String)

  init(_ certificate: X509Certificate, now: Int64) {
    let (begin, end) = (certificate.notBefore, certificate.notAfter)
    // A clock that is wrong looks like a certificate that is, so both texts say what the clock says.
    if end < now {
      self = .over(
        "expired \(Readable.seconds(now - end)) ago, on \(Self.date(end)), if the clock is right: it says \(Self.date(now))"
      )
    } else if begin > now {
      self = .notBegun(
        "is not valid before \(Self.date(begin)): the clock is behind, by \(Readable.seconds(begin - now)) at least: it says "
          + Self.date(now))
    } else {
      self = .valid(days: Int((end - now) / 86_400), until: Self.date(end))
    }
  }

  /// What sets a wrong clock right where no daemon does, from the hardware clock that the hypervisor keeps.
  static let clockRemedy = "date -u -s @$(cat /sys/class/rtc/rtc0/since_epoch)"

  /// `2026-11-21 15:04 UTC`.
  static func date(_ time: Int64) -> String {
    var (seconds, parts) = (time_t(time), tm())
    guard gmtime_r(&seconds, &parts) != nil else { return "\(time)" }
    func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)) UTC"
  }
}
