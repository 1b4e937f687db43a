// The answer of GET /1.0/details (contract agent-api §3.3), odd types included: the controller parses them as they are.

/// `GET /1.0/details`: the amphora's state in numbers.
public struct DetailsBody: Codable, Hashable, Sendable {
  /// Bytes through one interface since it exists.
  public struct Network: Codable, Hashable, Sendable {
    /// Bytes sent.
    public var networkTx: UInt64
    /// Bytes received.
    public var networkRx: UInt64
    /// Makes a pair of counters.
    public init(networkTx: UInt64, networkRx: UInt64) {
      self.networkTx = networkTx
      self.networkRx = networkRx
    }
    private enum CodingKeys: String, CodingKey {
      case networkTx = "network_tx"
      case networkRx = "network_rx"
    }
  }

  /// Clock ticks since boot, from the first line of `/proc/stat`; three of them are texts.
  public struct CPU: Codable, Hashable, Sendable {
    /// All columns added up.
    public var total: UInt64
    /// Time in user mode.
    public var user: String
    /// Time in the kernel.
    public var system: String
    /// Time in software interrupts.
    public var softIRQ: String
    /// Makes the CPU part.
    public init(total: UInt64, user: String, system: String, softIRQ: String) {
      self.total = total
      self.user = user
      self.system = system
      self.softIRQ = softIRQ
    }
    private enum CodingKeys: String, CodingKey {
      case total, user, system
      case softIRQ = "soft_irq"
    }
  }

  /// Kilobytes, from `/proc/meminfo`.
  public struct Memory: Codable, Hashable, Sendable {
    /// All memory.
    public var total: Int = 0
    /// Unused memory.
    public var free: Int = 0
    /// Buffers of block devices.
    public var buffers: Int = 0
    /// The page cache.
    public var cached: Int = 0
    /// `SwapCached`, under upstream's name.
    public var swapUsed: Int = 0
    /// Shared memory and tmpfs.
    public var shared: Int = 0
    /// The kernel's own structures.
    public var slab: Int = 0
    /// Makes an empty part.
    public init() {}
    private enum CodingKeys: String, CodingKey {
      case total, free, buffers, cached, shared, slab
      case swapUsed = "swap_used"
    }
  }

  /// Bytes of the root file system.
  public struct Disk: Codable, Hashable, Sendable {
    /// Bytes in use.
    public var used: UInt64
    /// Bytes that are left for unprivileged users.
    public var available: UInt64
    /// Makes the disk part.
    public init(used: UInt64, available: UInt64) {
      self.used = used
      self.available = available
    }
  }

  /// The amphora's host name.
  public var hostname: String
  /// The haproxy package's version.
  public var haproxyVersion: String
  /// The API version.
  public var apiVersion: String = "1.0"
  /// The keepalived package's version.
  public var keepalivedVersion: String
  /// The ipvsadm package's version.
  public var ipvsadmVersion: String
  /// Counters by interface name, of the namespace's `eth*` interfaces.
  public var networks: [String: Network]
  /// Always true.
  public var active: Bool = true
  /// The number of load balancers whose haproxy runs.
  public var haproxyCount: Int
  /// The number of UDP/SCTP listeners whose keepalived runs.
  public var lvsListenerProcessCount: Int
  /// The number of CPUs.
  public var cpuCount: Int
  /// Processor time.
  public var cpu: CPU
  /// Memory by kind.
  public var memory: Memory
  /// The root file system.
  public var disk: Disk
  /// Load averages over 1, 5 and 15 minutes, as texts.
  public var load: [String]
  /// The active tuned profiles, separated by blanks; empty when there are none.
  public var activeTunedProfiles: String
  /// Always `SINGLE`, as upstream's agent says in every topology.
  public var topology: String = "SINGLE"
  /// Always `OK`.
  public var topologyStatus: String = "OK"
  /// Listener ids, sorted.
  public var listeners: [String]
  /// Always empty.
  public var packages: [String: String] = [:]

  /// Makes a body from the amphora's versions and measurements.
  public init(
    info: InfoBody, networks: [String: Network], haproxyCount: Int, lvsListenerProcessCount: Int, cpuCount: Int,
    cpu: CPU,
    memory: Memory, disk: Disk, load: [String], activeTunedProfiles: String, listeners: [String]
  ) {
    hostname = info.hostname
    haproxyVersion = info.haproxyVersion
    keepalivedVersion = info.keepalivedVersion
    ipvsadmVersion = info.ipvsadmVersion
    self.networks = networks
    self.haproxyCount = haproxyCount
    self.lvsListenerProcessCount = lvsListenerProcessCount
    self.cpuCount = cpuCount
    self.cpu = cpu
    self.memory = memory
    self.disk = disk
    self.load = load
    self.activeTunedProfiles = activeTunedProfiles
    self.listeners = listeners
  }

  private enum CodingKeys: String, CodingKey {
    case hostname, networks, active, cpu, memory, disk, load, topology, listeners, packages
    case haproxyVersion = "haproxy_version"
    case apiVersion = "api_version"
    case keepalivedVersion = "keepalived_version"
    case ipvsadmVersion = "ipvsadm_version"
    case haproxyCount = "haproxy_count"
    case lvsListenerProcessCount = "lvs_listener_process_count"
    case cpuCount = "cpu_count"
    case activeTunedProfiles = "active_tuned_profiles"
    case topologyStatus = "topology_status"
  }
}
