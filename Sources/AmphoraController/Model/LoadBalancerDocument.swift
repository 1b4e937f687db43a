// The document a rendering starts from: a load balancer and its context (contract §1).

public import AmphoraProtocol
public import FoundationEssentials

/// A load balancer and everything else its configuration depends on.
public struct LoadBalancerDocument: Codable, Hashable, Sendable {
  /// The load balancer.
  public var loadBalancer: LoadBalancer
  /// What else the configuration depends on.
  public var context: RenderingContext

  /// The load balancer's id, as records, plans and agents use it.
  public var id: LoadBalancerID { LoadBalancerID(unchecked: loadBalancer.id.rawValue) }

  /// Makes a document.
  ///
  /// Whether its parts fit together is checked when it is rendered.
  public init(loadBalancer: LoadBalancer, context: RenderingContext) {
    self.loadBalancer = loadBalancer
    self.context = context
  }

  /// Reads a document in JSON; fails with a ``DocumentError`` that names the first wrong field.
  public init(json: Data) throws {
    let value: DocumentValue
    do {
      value = try JSONDecoder().decode(DocumentValue.self, from: json)
    } catch {
      throw DocumentError("", "is not JSON: \(Self.explanation(of: error))")
    }
    try self.init(value)
  }

  /// Reads a document from the neutral tree, for formats other than JSON; fails with a ``DocumentError`` that names the
  /// first wrong field.
  public init(_ value: DocumentValue) throws { try self.init(reading: value, at: "") }

  /// Decodes a document; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case loadBalancer = "loadbalancer"
    case context
  }

  private static func explanation(of error: any Error) -> String {
    guard case DecodingError.dataCorrupted(let context) = error else { return "\(error)" }
    return context.underlyingError.map { "\($0)" } ?? context.debugDescription
  }
}

extension LoadBalancerDocument: DocumentObject {
  static let ignoredKeys: Set<String>? = []

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init(loadBalancer: try object.required(.loadBalancer), context: try object.required(.context))
    try check()
  }
}
