// The part of every haproxy's configuration that depends on the distribution (contract services §1).

import Files
import Glibc

/// haproxy's group, as a configuration file that the image prepares.
enum UserGroupFragment {
  /// Writes the file anew when it is gone: without it haproxy would refuse every configuration.
  static func restore(_ path: String) throws(DurableFile.Failure) {
    if FileRead.exists(path) { return }
    // What the image would have chosen: Debian's and Ubuntu's group, which Red Hat's systems do not have.
    let group = getgrnam("nogroup") != nil ? "nogroup" : "haproxy"
    try DurableFile.createDirectory(String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)), mode: 0o755)
    try DurableFile.write(Array("global\n    group \(group)\n".utf8), to: path, mode: 0o644)
  }
}
