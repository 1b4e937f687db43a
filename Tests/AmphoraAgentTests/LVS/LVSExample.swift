// The examples of contract services §5.6 to §5.8.

enum LVSExample {
  static let listener = "11111111-2222-4333-8444-555555555555"
  static let pool = "bbbbbbbb-0000-4000-8000-000000000001"
  static func member(_ number: Int) -> String { "dddddddd-0000-4000-8000-00000000000\(number)" }

  private static let head = """
    # Configuration for Loadbalancer aaaaaaaa-0000-4000-8000-000000000001
    # Configuration for Listener \(listener)

    net_namespace amphora-haproxy


    """

  private static let directives = """
        lb_algo wrr
        lb_kind NAT
        protocol UDP
        delay_loop 10
        delay_before_retry 10
        retry 3


        # Configuration for Pool \(pool)
        # Configuration for HealthMonitor cccccccc-0000-4000-8000-000000000001

    """

  private static func realServer(_ number: Int, _ address: String, _ port: Int, weight: Int = 1, isChecked: Bool = true)
    -> String
  {
    let check = """
              MISC_CHECK {
                  misc_path "/var/lib/octavia/lvs/check/udp_check.sh \(address) \(port)"
                  misc_timeout 5
              }

      """
    return """
          # Configuration for Member \(member(number))
          real_server \(address) \(port) {
              weight \(weight)
      \(isChecked ? check : "")    }


      """
  }

  private static func disabled(_ number: Int) -> String { "    # Member \(member(number)) is disabled\n\n" }

  private static func group(_ name: String, _ addresses: [String], _ servers: String) -> String {
    """
    virtual_server_group \(name) {
    \(addresses.map { "    \($0) 5353\n" }.joined())}

    virtual_server group \(name) {
    \(directives)\(servers)}

    """
  }

  /// Two IPv4 VIPs and one IPv6 VIP; one member each, and a disabled one.
  static let dualStack =
    head + group("ipv4-group", ["198.51.100.10", "198.51.100.11"], realServer(1, "192.0.2.21", 53) + disabled(2))
    + group("ipv6-group", ["2001:db8::10"], realServer(6, "2001:db8:1::21", 53))

  /// The worked example of §5.8.
  static func fourMembers(isChecked: Bool = true, alsoDisabled: [Int] = []) -> String {
    head
      + group(
        "ipv4-group", ["198.51.100.10"],
        realServer(1, "192.0.2.21", 53, isChecked: isChecked) + disabled(2)
          + realServer(3, "192.0.2.23", 5300, weight: 0, isChecked: isChecked)
          + realServer(4, "192.0.2.24", 53, weight: 4, isChecked: isChecked) + alsoDisabled.map(disabled).joined())
  }

  static let withoutPool = head
  static let disabledListener = """
    # Configuration for Loadbalancer aaaaaaaa-0000-4000-8000-000000000001
    # Listener \(listener) is disabled

    net_namespace amphora-haproxy


    """

  private static let columns = """
    IP Virtual Server version 1.2.1 (size=4096)
    Prot LocalAddress:Port Scheduler Flags
      -> RemoteAddress:Port Forward Weight ActiveConn InActConn

    """

  /// The kernel's table of the worked example.
  static let kernel =
    columns + """
      UDP  C633640A:14E9 wrr 
        -> C0000217:14B4      Masq    0      0          0         
        -> C0000215:0035      Masq    1      2          5         

      """

  /// The same without services.
  static let emptyKernel = columns

  /// The table to the statistics of §5.7, with an IPv6 service; and services of other listeners around it.
  static let dualStackKernel =
    columns + """
      TCP  C633640A:14E9 wlc persistent 360 FFFFFFFF
        -> C0000263:0035      Masq    1      90         0         
      UDP  C633640A:14E9 wrr persistent 360 FFFFFFFF
        -> C0000215:0035      Masq    1      2          5         
      FWM  00000001 rr 
        -> C0000263:0035      Masq    1      70         0         
      UDP  C633640B:14E9 wrr ops 
        -> C0000215:0035      Masq    1      1          0         
      SCTP  C633640A:14E9 wrr 
        -> C0000263:0035      Masq    1      50         0         
      UDP  [2001:0db8:0000:0000:0000:0000:0000:0010]:14E9 wrr 
        -> [2001:0db8:0001:0000:0000:0000:0000:0021]:0035      Masq    1      4          0         

      """
}
