// Grammars of texts that the operator of a controller sets.

/// The folder below which files are kept on the amphora.
public typealias FolderPath = CheckedText<FolderPathGrammar>
/// The size of a stick table.
public typealias StickTableSize = CheckedText<StickTableSizeGrammar>
/// The format of log lines.
public typealias LogFormat = CheckedText<LogFormatGrammar>
/// The password of a VRRP group.
public typealias VRRPPassword = CheckedText<VRRPPasswordGrammar>
/// How many bits of a client's address count for persistence.
public typealias PersistenceGranularity = CheckedText<PersistenceGranularityGrammar>

/// Absolute paths of plain names.
public enum FolderPathGrammar: TextGrammar {
  /// An absolute path.
  public static let expectation = "an absolute path of plain names"
  /// Neither `..` nor anything a configuration file could read as something else.
  public static func accepts(_ text: String) -> Bool {
    text.hasPrefix("/") && text.consists(ofLettersDigitsAnd: "-_./")
      && !text.split(separator: "/").contains("..")
  }
}

/// Numbers with a unit.
public enum StickTableSizeGrammar: TextGrammar {
  /// A size.
  public static let expectation = "a size like 10k"
  /// Digits and one of haproxy's units.
  public static func accepts(_ text: String) -> Bool {
    let digits = text.last.map { "kKmMgG".contains($0) } == true ? String(text.dropLast()) : text
    return digits.isDecimal(upTo: 9)
  }
}

/// Formats of log lines: haproxy checks their inside, here only that they stay one word once spaces are escaped.
public enum LogFormatGrammar: TextGrammar {
  /// A log format.
  public static let expectation = "a log format without control characters and backslashes"
  /// A backslash would take away the meaning of the one put before a space.
  public static func accepts(_ text: String) -> Bool { text.isPrintable && !text.utf8.contains(UInt8(ascii: "\\")) }
}

/// Passwords that keepalived reads as one word.
public enum VRRPPasswordGrammar: TextGrammar {
  /// A password.
  public static let expectation = "a password of printable ASCII characters without blanks, braces and backslashes"
  /// Passwords are not shown.
  public static let isSecret = true
  /// keepalived uses 8 characters; longer ones are cut by it.
  public static func accepts(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"{}\\".utf8.contains($0) }
  }
}

/// A netmask for IPv4 or a prefix length for IPv6.
public enum PersistenceGranularityGrammar: TextGrammar {
  /// Netmask or prefix length.
  public static let expectation = "a netmask like 255.255.0.0 or a prefix length of 1...128"
  /// The forms that keepalived takes.
  public static func accepts(_ text: String) -> Bool {
    if let length = Int(text), text.isDecimal(upTo: 3) { return (1...128).contains(length) }
    return text.isDottedDecimal
  }
}

extension String {
  fileprivate var isDottedDecimal: Bool {
    let parts = split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { String($0).isDecimal(upTo: 3) && UInt8($0) != nil }
  }
}
