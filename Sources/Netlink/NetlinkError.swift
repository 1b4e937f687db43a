// Why the kernel refused something, with the errno it really gave: libnl folds several of them into one code.

import CNetlink
import Glibc

/// A request to the kernel's network stack that failed.
package struct NetlinkError: Error, Hashable {
  /// What was tried, such as `add route`.
  package let operation: String
  /// What it was tried on, such as `203.0.113.0/24 table 1 link 3`.
  package let object: String
  /// The error number of errno(3), as the kernel gave it.
  package let errno: Int32
  /// The kernel's own sentence where it sent one (`Nexthop has invalid gateway.`), else the text for ``errno``.
  package let message: String

  /// Without `message` it is the text for `errno`.
  package init(_ operation: String, _ object: String, errno: Int32, message: String? = nil) {
    self.operation = operation
    self.object = object
    self.errno = errno
    self.message = message ?? String(cString: strerror(errno))
  }

  /// The object, or its name, exists already.
  package var isExists: Bool { errno == EEXIST }
  /// There is no such link.
  package var isNoDevice: Bool { errno == ENODEV }
  /// There is no such address, route, rule or file (the kernel uses a different number for each).
  package var isNotFound: Bool { errno == ESRCH || errno == ENOENT || errno == EADDRNOTAVAIL }
  /// The request makes no sense now, for instance a route whose preferred source is still tentative.
  package var isInvalid: Bool { errno == EINVAL }
  /// The caller may not do this.
  package var isDenied: Bool { errno == EPERM || errno == EACCES }
  /// The gateway is on no connected network.
  package var isUnreachable: Bool { errno == ENETUNREACH || errno == EHOSTUNREACH }
  /// The link is down.
  package var isNetworkDown: Bool { errno == ENETDOWN }
}

extension NetlinkError: CustomStringConvertible {
  /// `cannot add address 203.0.113.2/24 on link 3: File exists (errno 17)`.
  package var description: String { "cannot \(operation) \(object): \(message) (errno \(errno))" }
}

extension NetlinkError {
  /// A failure the kernel had no part in, from a negative result of libnl's.
  init(_ operation: String, _ object: String, libnlResult result: Int32) {
    self.init(
      operation, object, errno: Self.errno(libnlCode: -result), message: String(cString: nl_geterror(result)))
  }

  /// The error number nearest to a code of libnl's own (`NLE_*`).
  private static func errno(libnlCode code: Int32) -> Int32 {
    switch code {
    case NLE_INTR: EINTR
    case NLE_BAD_SOCK: EBADF
    case NLE_AGAIN, NLE_DUMP_INTR: EAGAIN
    case NLE_NOMEM: ENOMEM
    case NLE_EXIST: EEXIST
    case NLE_INVAL, NLE_MISSING_ATTR: EINVAL
    case NLE_OPNOTSUPP: EOPNOTSUPP
    case NLE_AF_NOSUPPORT: EAFNOSUPPORT
    case NLE_OBJ_NOTFOUND: ENOENT
    case NLE_NOADDR: EADDRNOTAVAIL
    case NLE_BUSY: EBUSY
    case NLE_NOACCESS: EACCES
    case NLE_PERM: EPERM
    case NLE_NODEV: ENODEV
    default: EIO
    }
  }
}
