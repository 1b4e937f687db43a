// How haproxy keeps a client at one member (contract §4.7).

/// The lines of a backend about session persistence.
struct SessionPersistenceLines {
  let input: HAProxyInput
  let pool: Pool

  func write(to text: inout ConfigurationText) throws {
    guard let persistence = pool.sessionPersistence else { return }
    switch persistence.type {
    case .sourceIP:
      text.entry("stick-table type ipv6 \(tableOptions)")
      text.entry("stick on src")
    case .appCookie:
      let name = try required(persistence.cookieName, "session_persistence.cookie_name", for: "pool \(pool.id)")
      let cookie = try input.escaping.argument(name)
      text.entry("stick-table type string len 64 \(tableOptions)")
      text.entry("stick store-response res.cook(\(cookie))")
      text.entry("stick match req.cook(\(cookie))")
    case .httpCookie:
      text.entry("cookie SRV insert indirect nocache")
    }
  }

  private var tableOptions: String {
    let size = input.options.haproxyStickSize?.rawValue ?? DefaultOptions.haproxyStickSize
    return "size \(size)" + (input.isPair ? " peers \(input.peersName)" : "")
  }
}
