// Grammars of names: ids, addresses, networks, interfaces, versions.

public import Addresses

/// The id of an object.
public typealias ObjectID = CheckedText<ObjectIDGrammar>
/// The id of a project.
public typealias ProjectID = CheckedText<ProjectIDGrammar>
/// An IP address in the spelling in which it was given, because that is how it must be printed.
public typealias AddressText = CheckedText<AddressGrammar>
/// An IP network in the spelling in which it was given.
public typealias NetworkText = CheckedText<NetworkGrammar>
/// The name of a network interface.
public typealias InterfaceName = CheckedText<InterfaceNameGrammar>
/// The SHA-1 id that names the file of a certificate or secret on the amphora (contract §8).
public typealias CertificateFileID = CheckedText<CertificateFileIDGrammar>
/// The name of a VRRP instance.
public typealias VRRPGroupName = CheckedText<VRRPGroupNameGrammar>

/// UUIDs in text form, letter case kept: the agent takes nothing else as id of a load balancer or listener.
public enum ObjectIDGrammar: TextGrammar {
  /// A UUID.
  public static let expectation = "a UUID"
  /// 8-4-4-4-12 hexadecimal digits (RFC 9562 §4).
  public static func accepts(_ text: String) -> Bool {
    text.utf8.count == 36
      && text.utf8.enumerated().allSatisfy { index, byte in
        [8, 13, 18, 23].contains(index) ? byte == UInt8(ascii: "-") : byte.isHexadecimalDigit
      }
  }
}

/// Ids of projects: usually 32 hexadecimal digits, but identity services may use others.
public enum ProjectIDGrammar: TextGrammar {
  /// Letters, digits and a few signs.
  public static let expectation = "a project id (letters, digits, '-', '_', '.')"
  /// The id becomes part of a log format, where `%` and `{` have a meaning.
  public static func accepts(_ text: String) -> Bool { text.consists(ofLettersDigitsAnd: "-_.", upTo: 64) }
}

/// IPv4 or IPv6 addresses.
public enum AddressGrammar: TextGrammar {
  /// An IP address.
  public static let expectation = "an IP address"
  /// Without zone, port or brackets.
  public static func accepts(_ text: String) -> Bool { isAddress(text) }
}

/// IPv4 or IPv6 networks; host bits may be set.
public enum NetworkGrammar: TextGrammar {
  /// A network.
  public static let expectation = "a network like 192.0.2.0/24"
  /// Address and prefix length.
  public static func accepts(_ text: String) -> Bool {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 && isAddress(String(parts[0])) && CIDR(text) != nil
  }
}

/// Interface names that are also safe as words of a configuration file.
public enum InterfaceNameGrammar: TextGrammar {
  /// An interface name.
  public static let expectation = "an interface name"
  /// At most 15 bytes (IFNAMSIZ), not `.` or `..`.
  public static func accepts(_ text: String) -> Bool {
    text.consists(ofLettersDigitsAnd: "-_.", upTo: 15) && text != "." && text != ".."
  }
}

/// SHA-1 in lower-case hexadecimal digits.
public enum CertificateFileIDGrammar: TextGrammar {
  /// 40 digits.
  public static let expectation = "a SHA-1 id of 40 lower-case hexadecimal digits"
  /// 40 digits.
  public static func accepts(_ text: String) -> Bool {
    text.utf8.count == 40
      && text.utf8.allSatisfy { $0.isHexadecimalDigit && !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) }
  }
}

/// Names of VRRP instances.
public enum VRRPGroupNameGrammar: TextGrammar {
  /// Letters, digits and a few signs.
  public static let expectation = "a group name (letters, digits, '-', '_', '.')"
  /// One word.
  public static func accepts(_ text: String) -> Bool { text.consists(ofLettersDigitsAnd: "-_.", upTo: 64) }
}

extension CheckedText<AddressGrammar> {
  /// The IP version; only IPv6 addresses have colons.
  public var family: IPAddress.Family { rawValue.utf8.contains(UInt8(ascii: ":")) ? .v6 : .v4 }
}

extension CheckedText<ObjectIDGrammar> {
  /// The id without dashes: names of peers sections and VRRP groups.
  public var withoutDashes: String { rawValue.filter { $0 != "-" } }
}

// IPAddress parses through C, where a NUL ends the text; what follows it would be printed all the same.
private func isAddress(_ text: String) -> Bool { !text.utf8.contains(0) && IPAddress(text) != nil }

extension UInt8 {
  fileprivate var isHexadecimalDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }
}
