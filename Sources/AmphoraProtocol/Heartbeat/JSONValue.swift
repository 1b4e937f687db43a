// A JSON reader that keeps the order of object members, which Foundation's does not: in a heartbeat the later of two
// entries for one pool wins. Strict RFC 8259, except that a repeated key is taken (the last value counts) and a lone
// surrogate becomes U+FFFD, since Python's reader takes both.

/// A parsed JSON text.
enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  /// A number with a fraction, an exponent, or more digits than fit 64 bits.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of a JSON object in their order, each key once.
struct JSONObject: Hashable, Sendable {
  private(set) var members: [(key: String, value: JSONValue)] = []
  /// Where each key stands; only beyond ``fewMembers``.
  private var positions: [String: Int] = [:]

  /// Up to here, looking at each key beats hashing them; most objects of a heartbeat have two to five members.
  private static let fewMembers = 16

  subscript(key: String) -> JSONValue? { position(of: key).map { members[$0].value } }

  private func position(of key: String) -> Int? {
    members.count <= Self.fewMembers ? members.firstIndex { $0.key == key } : positions[key]
  }

  /// Adds a member; a key that is there already keeps its place and gets the new value.
  mutating func set(_ key: String, _ value: JSONValue) {
    if let position = position(of: key) {
      members[position].value = value
      return
    }
    members.append((key, value))
    if members.count == Self.fewMembers + 1 {
      for (position, member) in members.enumerated() { positions[member.key] = position }
    } else if members.count > Self.fewMembers {
      positions[key] = members.count - 1
    }
  }

  static func == (left: Self, right: Self) -> Bool {
    left.members.elementsEqual(right.members) { $0.key == $1.key && $0.value == $1.value }
  }

  func hash(into hasher: inout Hasher) {
    for member in members {
      hasher.combine(member.key)
      hasher.combine(member.value)
    }
  }
}

/// Where and why a text is not JSON.
struct JSONSyntaxError: Error, Hashable, Sendable {
  let offset: Int
  let reason: String
}

extension JSONValue {
  /// Parses a whole text that is known to be UTF-8.
  static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONValue {
    var reader = JSONReader(bytes: bytes)
    reader.skipBlanks()
    let value = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.position == bytes.count else { throw reader.error("text after the value") }
    return value
  }
}

private struct JSONReader {
  /// A heartbeat has five levels; the bound keeps hostile nesting from exhausting the stack.
  static let maximumDepth = 64

  let bytes: [UInt8]
  var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  func error(_ reason: String) -> JSONSyntaxError { JSONSyntaxError(offset: position, reason: reason) }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  mutating func take(_ byte: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
    guard depth < Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth)") }
    switch next {
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case let byte? where byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
      return try number()
    case nil: throw error("the text ends where a value should stand")
    default: throw error("no value starts like this")
    }
  }

  private mutating func literal(_ text: String, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
    guard bytes[position...].starts(with: text.utf8) else { throw error("no value starts like this") }
    position += text.utf8.count
    return value
  }

  private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONObject {
    position += 1
    var object = JSONObject()
    skipBlanks()
    if take("}") { return object }
    while true {
      skipBlanks()
      guard next == UInt8(ascii: "\"") else { throw error("an object's key must be a string") }
      let key = try string()
      skipBlanks()
      guard take(":") else { throw error("':' expected") }
      skipBlanks()
      object.set(key, try value(depth: depth + 1))
      skipBlanks()
      if take("}") { return object }
      guard take(",") else { throw error("',' or '}' expected") }
    }
  }

  private mutating func array(depth: Int) throws(JSONSyntaxError) -> [JSONValue] {
    position += 1
    var array: [JSONValue] = []
    skipBlanks()
    if take("]") { return array }
    while true {
      skipBlanks()
      array.append(try value(depth: depth + 1))
      skipBlanks()
      if take("]") { return array }
      guard take(",") else { throw error("',' or ']' expected") }
    }
  }

  private mutating func number() throws(JSONSyntaxError) -> JSONValue {
    let start = position
    _ = take("-")
    let whole = digits()
    guard whole > 0, whole == 1 || bytes[position - whole] != UInt8(ascii: "0") else { throw error("not a number") }
    var isInteger = true
    if take(".") {
      isInteger = false
      guard digits() > 0 else { throw error("not a number") }
    }
    if take("e") || take("E") {
      isInteger = false
      _ = take("-") || take("+")
      guard digits() > 0 else { throw error("not a number") }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text) else { throw error("not a number") }
    return .number(value)
  }

  private mutating func digits() -> Int {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position - start
  }

  private mutating func string() throws(JSONSyntaxError) -> String {
    position += 1
    let start = position
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    // Most strings have no escape; they are taken in one piece.
    if next == UInt8(ascii: "\"") {
      defer { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }
    var text = Array(bytes[start..<position])
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw error("a control character in a string")
      default: text.append(byte)
      }
    }
    throw error("a string without end")
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONSyntaxError) {
    guard let byte = next else { throw error("a string without end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var unit = UInt32(try hexUnit())
      if (0xD800..<0xDC00).contains(unit), bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
        let afterHigh = position
        position += 2
        let low = UInt32(try hexUnit())
        if (0xDC00..<0xE000).contains(low) {
          unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
        } else {
          position = afterHigh
        }
      }
      text.append(contentsOf: String(Unicode.Scalar(unit) ?? "\u{FFFD}").utf8)
    default: throw error("an unknown escape")
    }
  }

  private mutating func hexUnit() throws(JSONSyntaxError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits expected")
      }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }
}
