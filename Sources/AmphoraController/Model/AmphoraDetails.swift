// The part of an amphora's details answer that configurations depend on. The answer has many other fields, and agents
// may add some, so unknown fields are no error here.

/// What an amphora says of itself; each member may be missing.
public struct AmphoraDetails: Codable, Hashable, Sendable {
  /// How many CPUs it has.
  public var cpuCount: Int?
  /// The active profiles of tuned, separated by blanks.
  public var activeTunedProfiles: String?
  /// Its memory.
  public var memory: Memory?

  /// Makes details that say nothing.
  public init() {}

  /// Decodes details; fails with a ``DocumentError``.
  public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case cpuCount = "cpu_count"
    case activeTunedProfiles = "active_tuned_profiles"
    case memory
  }

  /// Memory in kilobytes, as in `/proc/meminfo`.
  public struct Memory: Codable, Hashable, Sendable {
    /// Unused memory.
    public var free: Int?
    /// Memory for buffers.
    public var buffers: Int?
    /// Memory for the page cache.
    public var cached: Int?

    /// Makes memory figures.
    public init(free: Int? = nil, buffers: Int? = nil, cached: Int? = nil) {
      self.free = free
      self.buffers = buffers
      self.cached = cached
    }

    /// Decodes memory figures; fails with a ``DocumentError``.
    public init(from decoder: any Decoder) throws { try self.init(decoding: decoder) }

    enum CodingKeys: String, CodingKey, CaseIterable {
      case free, buffers, cached
    }
  }
}

extension AmphoraDetails: DocumentObject {
  static let ignoredKeys: Set<String>? = nil

  init(reading object: ObjectReader<CodingKeys>) throws {
    self.init()
    cpuCount = try object.integer(.cpuCount, in: 0...65536)
    activeTunedProfiles = try object.optional(.activeTunedProfiles)
    memory = try object.optional(.memory)
  }
}

extension AmphoraDetails.Memory: DocumentObject {
  static let ignoredKeys: Set<String>? = nil

  init(reading object: ObjectReader<CodingKeys>) throws {
    // 2^50 kB is more than any machine has, and keeps the arithmetic of the renderer from overflowing.
    let bounds = 0...(1 << 50)
    self.init(
      free: try object.integer(.free, in: bounds), buffers: try object.integer(.buffers, in: bounds),
      cached: try object.integer(.cached, in: bounds))
  }
}
