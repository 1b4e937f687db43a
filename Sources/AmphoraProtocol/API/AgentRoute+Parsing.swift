// From the request line to a route. Segments are percent-decoded before they are matched, so an escaped slash separates
// segments like any other (contract agent-api §1.1), and every placeholder is parsed into its type at once.
//
// A table of patterns instead of a web framework's router: the contract's rules (decoding before matching, `//`, fixed
// segments before placeholders per method, no trailing slash) are not what general routers do.

import Addresses

/// Why a request line is no route.
public enum RouteRejection: Error, Hashable, Sendable {
  /// No route has this path.
  case notFound
  /// The path exists, the method does not; the methods that do exist, sorted.
  case methodNotAllowed(allowed: [AgentMethod])
  /// An id in the path is not of its grammar.
  case invalidIdentifier(what: String, text: String)
  /// The action is not one of start, stop, reload; in lower case.
  case unknownAction(String)
  /// The certificate file name is not of its grammar.
  case invalidFileName(String)
  /// The address of a VIP is no IP address.
  case invalidVIP(String)
  /// The address of an interface look-up is no IP address.
  case invalidAddress(String)
}

extension AgentRoute {
  /// Finds the route of a request line.
  ///
  /// - Parameters:
  ///   - method: the method's name; `HEAD` is answered like `GET`.
  ///   - path: the request target's path, still percent-encoded; a query is ignored.
  public static func parse(method: String, path: String) throws(RouteRejection) -> AgentRoute {
    let segments = try segments(of: path)
    var allowed: Set<AgentMethod> = []
    for entry in patterns where entry.matches(segments) {
      guard entry.method.rawValue == (method == "HEAD" ? "GET" : method) else {
        allowed.insert(entry.method)
        continue
      }
      return try entry.make(zip(entry.segments, segments).compactMap { $0 == nil ? $1 : nil })
    }
    if allowed.isEmpty { throw .notFound }
    throw .methodNotAllowed(allowed: allowed.sorted())
  }

  /// The path of a request line's route with `*` for what differs from one object to the next; nil when there is no such
  /// route.
  ///
  /// For metrics, whose labels must not grow with the number of objects.
  public static func template(method: String, path: String) -> String? {
    guard let segments = try? segments(of: path) else { return nil }
    let name = method == "HEAD" ? "GET" : method
    return patterns.first { $0.method.rawValue == name && $0.matches(segments) }
      .map { "/" + $0.segments.map { $0 ?? "*" }.joined(separator: "/") }
  }

  /// The methods that exist for a path, sorted; empty when no route has this path.
  ///
  /// For `OPTIONS`.
  public static func allowedMethods(path: String) -> [AgentMethod] {
    guard let segments = try? segments(of: path) else { return [] }
    return Set(patterns.filter { $0.matches(segments) }.map(\.method)).sorted()
  }

  private static func segments(of path: String) throws(RouteRejection) -> [String] {
    let path = path.prefix { $0 != "?" && $0 != "#" }
    // Controllers join a base URL ending in "/" with the path "/", so discovery arrives as "//".
    if path == "/" || path == "//" { return [] }
    guard let decoded = percentDecoded(path), decoded.first == "/", !decoded.utf8.contains(0) else { throw .notFound }
    return decoded.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
  }

  /// Decodes `%XX`; nil when an escape is malformed or the result is not UTF-8.
  private static func percentDecoded(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let digits = Substring(rest.prefix(2)) as Substring?, digits.first != "+",
        let value = UInt8(digits, radix: 16)
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// One row of the route table: fixed segments, and nil for each placeholder.
private struct RoutePattern: Sendable {
  let method: AgentMethod
  let segments: [String?]
  let make: @Sendable ([String]) throws(RouteRejection) -> AgentRoute

  init(_ method: AgentMethod, _ path: String, make: @escaping @Sendable ([String]) throws(RouteRejection) -> AgentRoute)
  {
    self.method = method
    segments = path.split(separator: "/").map { $0 == "*" ? nil : String($0) }
    self.make = make
  }

  func matches(_ candidate: [String]) -> Bool {
    candidate.count == segments.count
      && zip(segments, candidate).allSatisfy { fixed, actual in fixed.map { $0 == actual } ?? !actual.isEmpty }
  }
}

/// Rows with fixed segments stand before rows with a placeholder in the same place.
private let patterns: [RoutePattern] = [
  RoutePattern(.get, "/") { _ in .discovery },
  RoutePattern(.get, "/1.0/info") { _ in .info },
  RoutePattern(.get, "/1.0/details") { _ in .details },
  RoutePattern(.get, "/1.0/health") { _ in .health },
  RoutePattern(.get, "/1.0/listeners") { _ in .listListeners },
  RoutePattern(.delete, "/1.0/listeners/*") { args throws(RouteRejection) in .deleteService(try identifier(args[0])) },
  RoutePattern(.put, "/1.0/listeners/*/*/udp_listener") { args throws(RouteRejection) in
    .uploadLVS(amphora: try amphora(args[0]), listener: try identifier(args[1]))
  },
  RoutePattern(.get, "/1.0/listeners/*/udp_listener") { args throws(RouteRejection) in
    .downloadLVS(try identifier(args[0]))
  },
  RoutePattern(.put, "/1.0/loadbalancer/*/*/haproxy") { args throws(RouteRejection) in
    .uploadHAProxy(amphora: try amphora(args[0]), loadBalancer: try identifier(args[1]))
  },
  RoutePattern(.get, "/1.0/loadbalancer/*/haproxy") { args throws(RouteRejection) in
    .downloadHAProxy(try identifier(args[0]))
  },
  // The action is judged before the id: a bad action is always 400 with its own text (contract agent-api §3.0).
  RoutePattern(.put, "/1.0/loadbalancer/*/*") { args throws(RouteRejection) in
    let action = try action(args[1])
    return .control(try identifier(args[0]), action)
  },
  RoutePattern(.put, "/1.0/loadbalancer/*/certificates/*") { args throws(RouteRejection) in
    .putCertificate(try identifier(args[0]), try fileName(args[1]))
  },
  RoutePattern(.get, "/1.0/loadbalancer/*/certificates/*") { args throws(RouteRejection) in
    .getCertificate(try identifier(args[0]), try fileName(args[1]))
  },
  RoutePattern(.delete, "/1.0/loadbalancer/*/certificates/*") { args throws(RouteRejection) in
    .deleteCertificate(try identifier(args[0]), try fileName(args[1]))
  },
  RoutePattern(.post, "/1.0/plug/vip/*") { args throws(RouteRejection) in
    guard let address = IPAddress(args[0]) else { throw .invalidVIP(args[0]) }
    return .plugVIP(address)
  },
  RoutePattern(.post, "/1.0/plug/network") { _ in .plugNetwork },
  RoutePattern(.put, "/1.0/certificate") { _ in .rotateCertificate },
  RoutePattern(.put, "/1.0/config") { _ in .updateConfiguration },
  RoutePattern(.put, "/1.0/vrrp/upload") { _ in .uploadVRRP },
  RoutePattern(.put, "/1.0/vrrp/*") { args throws(RouteRejection) in .controlVRRP(try action(args[0])) },
  RoutePattern(.get, "/1.0/interface/*") { args throws(RouteRejection) in .findInterface(try address(args[0])) },
  RoutePattern(.put, "/1.0/interface/*/rules") { args throws(RouteRejection) in .setInterfaceRules(try address(args[0]))
  },
]

private func identifier<ID: UUIDText>(_ text: String) throws(RouteRejection) -> ID {
  guard let id = ID(text) else { throw .invalidIdentifier(what: "UUID", text: text) }
  return id
}

private func amphora(_ text: String) throws(RouteRejection) -> AmphoraID {
  guard let id = AmphoraID(text) else { throw .invalidIdentifier(what: "amphora id", text: text) }
  return id
}

private func action(_ text: String) throws(RouteRejection) -> ServiceAction {
  let lower = text.lowercased()
  guard let action = ServiceAction(rawValue: lower) else { throw .unknownAction(lower) }
  return action
}

private func fileName(_ text: String) throws(RouteRejection) -> CertificateFileName {
  guard let name = CertificateFileName(text) else { throw .invalidFileName(text) }
  return name
}

private func address(_ text: String) throws(RouteRejection) -> IPAddress {
  guard let address = IPAddress(text) else { throw .invalidAddress(text) }
  return address
}
