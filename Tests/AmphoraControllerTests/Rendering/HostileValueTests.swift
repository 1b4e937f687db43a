// No value of a document can add a directive or an argument to a configuration file.

import Testing

@testable import AmphoraController

@Suite struct HostileValueTests {
  /// A text field, and what is to be put around a hostile part to keep the rest of the text valid.
  struct Field: CustomTestStringConvertible, Sendable {
    let path: [Step]
    let prefix: String
    var testDescription: String {
      path.map { step in
        switch step {
        case .member(let name): ".\(name)"
        case .element(let index): "[\(index)]"
        }
      }.joined()
    }

    init(_ path: Step..., prefix: String) {
      self.path = path
      self.prefix = prefix
    }
  }

  /// Every text of a document that reaches a file.
  static let fields = [
    Field("loadbalancer", "id", prefix: Documents.balancerID),
    Field("loadbalancer", "project_id", prefix: "7ac5"),
    Field("loadbalancer", "vip_address", prefix: "10.0.0.10"),
    Field("loadbalancer", "additional_vips", 0, "ip_address", prefix: "2001:db8::1"),
    Field("loadbalancer", "listeners", 0, "id", prefix: Documents.listenerID),
    Field("loadbalancer", "listeners", 0, "protocol", prefix: "HTTP"),
    Field("loadbalancer", "listeners", 0, "insert_headers", "X-Forwarded-For", prefix: "true"),
    Field("loadbalancer", "listeners", 0, "default_pool", "id", prefix: Documents.poolID),
    Field("loadbalancer", "listeners", 0, "default_pool", "session_persistence", "cookie_name", prefix: "sid"),
    Field("loadbalancer", "listeners", 0, "default_pool", "members", 0, "id", prefix: Documents.memberID),
    Field("loadbalancer", "listeners", 0, "default_pool", "members", 0, "address", prefix: "10.0.1.21"),
    Field("loadbalancer", "listeners", 0, "default_pool", "members", 0, "monitor_address", prefix: "10.0.1.21"),
    Field("loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "id", prefix: Documents.monitorID),
    Field("loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "http_method", prefix: "GET"),
    Field("loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "url_path", prefix: "/live"),
    Field("loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "domain_name", prefix: "example.com"),
    Field("loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "expected_codes", prefix: "200"),
    Field("loadbalancer", "listeners", 0, "l7policies", 0, "id", prefix: Documents.id("a", 1)),
    Field("loadbalancer", "listeners", 0, "l7policies", 0, "rules", 0, "id", prefix: Documents.id("b", 1)),
    Field("loadbalancer", "listeners", 0, "l7policies", 2, "rules", 0, "key", prefix: "X-A"),
    Field("loadbalancer", "listeners", 0, "l7policies", 3, "rules", 0, "key", prefix: "sid"),
    Field("loadbalancer", "listeners", 0, "l7policies", 4, "rules", 0, "key", prefix: "CN"),
    Field("loadbalancer", "listeners", 0, "l7policies", 5, "rules", 0, "value", prefix: "0"),
    Field("loadbalancer", "listeners", 0, "l7policies", 6, "redirect_pool_id", prefix: Documents.otherPoolID),
    Field("loadbalancer", "listeners", 1, "id", prefix: Documents.id("c", 2)),
    Field("loadbalancer", "listeners", 1, "default_pool", "id", prefix: Documents.id("d", 3)),
    Field("loadbalancer", "listeners", 1, "default_pool", "members", 0, "address", prefix: "10.0.1.21"),
    Field(
      "loadbalancer", "listeners", 1, "default_pool", "session_persistence", "persistence_granularity",
      prefix: "255.255.0.0"),
    Field("context", "amphorae", 0, "id", prefix: "11111111-2222-4333-8444-555555555501"),
    Field("context", "amphorae", 0, "vrrp_ip", prefix: "10.0.0.3"),
    Field("context", "amphorae", 0, "vrrp_interface", prefix: "eth1"),
    Field("context", "amphorae", 1, "vrrp_ip", prefix: "10.0.0.3"),
    Field("context", "vrrp_group", "vrrp_group_name", prefix: "group"),
    Field("context", "vrrp_group", "vrrp_auth_type", prefix: "PASS"),
    Field("context", "vrrp_group", "vrrp_auth_pass", prefix: "6d1c0f2"),
    Field("context", "certificates", "ca", prefix: "2222222222222222222222222222222222222222"),
    Field("context", "subnets", "subnet-4", "cidr", prefix: "10.0.0.0/24"),
    Field("context", "subnets", "subnet-4", "gateway_ip", prefix: "10.0.0.1"),
    Field("context", "subnets", "subnet-4", "host_routes", 0, "destination", prefix: "10.50.0.0/16"),
    Field("context", "subnets", "subnet-4", "host_routes", 0, "nexthop", prefix: "10.0.0.254"),
    Field("context", "options", "user_log_format", prefix: "%ci"),
    Field("context", "options", "haproxy_stick_size", prefix: "10k"),
    Field("context", "options", "default_listener_ciphers", prefix: "AES128-SHA"),
    Field("context", "options", "default_pool_ciphers", prefix: "AES128-SHA"),
    Field("context", "options", "tls1_3_supported_ciphers", prefix: "TLS_AES_128_GCM_SHA256"),
    Field("context", "options", "base_cert_dir", prefix: "/srv/certs"),
    Field("context", "options", "base_path", prefix: "/srv/octavia"),
  ]

  /// Fields in which spaces or quotes are legal; the rendering must keep them from ending a word.
  static func mayHold(_ hostile: String, in text: String, _ field: Field) -> Bool {
    switch field.testDescription {
    case ".context.options.user_log_format": hostile == " x" || hostile == "\"" || hostile == "'"
    case ".loadbalancer.listeners[0].default_pool.healthmonitor.url_path":
      (hostile == "\"" || hostile == "'") && text.hasPrefix("/")
    case ".context.vrrp_group.vrrp_auth_pass": hostile == "\"" || hostile == "'"
    case ".loadbalancer.listeners[0].default_pool.session_persistence.cookie_name",
      ".loadbalancer.listeners[0].l7policies[2].rules[0].key", ".loadbalancer.listeners[0].l7policies[3].rules[0].key":
      hostile == "'"
    default: false
    }
  }

  static let hostileParts = [
    "\nx", "\r", "\u{0}", "\tx", " x", "\u{B}", "\u{C}", "\u{7F}", "\u{85}", "\u{2028}", "\"", "'", "\\", "\\\n",
  ]

  @Test(arguments: fields) func `a text field takes its plain value`(field: Field) throws {
    let document = Documents.everything.replacing(field.path, with: .string(field.prefix))
    _ = try ConfigurationFiles.render(LoadBalancerDocument(document))
  }

  @Test(arguments: fields) func `a text field refuses what could end its word or its line`(field: Field) throws {
    for hostile in Self.hostileParts {
      for text in [field.prefix + hostile, hostile + field.prefix, hostile] {
        let document = Documents.everything.replacing(field.path, with: .string(text))
        if Self.mayHold(hostile, in: text, field) {
          try expectSameShape(document)
          continue
        }
        let error = #expect(throws: DocumentError.self, "\(text.debugDescription)") {
          try ConfigurationFiles.render(LoadBalancerDocument(document))
        }
        let name = field.path.compactMap { if case .member(let name) = $0 { name } else { nil } }.last ?? ""
        #expect(error?.path.contains(name) == true, "\(error?.description ?? "")")
      }
    }
  }

  @Test(arguments: ["\nx", "\r", "\u{0}", "\t-f\t/etc/passwd", "\u{B}x", "\u{7F}", "\u{85}"])
  func `rule values refuse control characters`(hostile: String) {
    let path: [Step] = ["loadbalancer", "listeners", 0, "l7policies", 0, "rules", 0, "value"]
    for text in ["/a" + hostile, hostile] {
      #expect(throws: DocumentError.self) {
        try LoadBalancerDocument(Documents.everything.replacing(path, with: .string(text)))
      }
    }
  }

  @Test(arguments: [
    "/a b", "/a\\ b", "\\", "/a\\", "a'b", "\"a b\"", "/a if TRUE", "{ path /x }", "-f /etc/passwd", "-i",
  ])
  func `rule values stay one word`(text: String) throws {
    let path: [Step] = ["loadbalancer", "listeners", 0, "l7policies", 0, "rules", 0, "value"]
    try expectSameShape(Documents.everything.replacing(path, with: .string(text)))
  }

  @Test(arguments: ["https://x/a b", "https://x/\nuse_backend y", "https://x/\t", "https://x/\u{85}", "\r\n"])
  func `redirect targets with blanks or control characters become None`(text: String) throws {
    for field in ["redirect_url", "redirect_prefix"] {
      let path: [Step] = [
        "loadbalancer", "listeners", 0, "l7policies", field == "redirect_url" ? 0 : 1, .member(field),
      ]
      let document = Documents.everything.replacing(path, with: .string(text))
      let rendered = try HAProxyConfiguration.render(LoadBalancerDocument(document))
      #expect(rendered.contains(field == "redirect_url" ? "redirect location None if " : "redirect prefix None if "))
      try expectSameShape(document)
    }
  }

  @Test(arguments: ["", "https://x/\\n", "https://x/\\", "https://x/\\x0a"])
  func `redirect targets refuse backslashes, which haproxy reads as escapes`(text: String) {
    for (index, field) in ["redirect_url", "redirect_prefix"].enumerated() {
      let path: [Step] = ["loadbalancer", "listeners", 0, "l7policies", .element(index), .member(field)]
      #expect(throws: DocumentError.self) {
        try LoadBalancerDocument(Documents.everything.replacing(path, with: .string(text)))
      }
    }
  }

  @Test(arguments: ["A B", "A\nx", "A\u{0}", "A\"", "A'", "A\\", ""])
  func `unusable ciphers of tenants are replaced by the default`(text: String) throws {
    let listener: [Step] = ["loadbalancer", "listeners", 0, "tls_ciphers"]
    let pool: [Step] = ["loadbalancer", "pools", 0, "tls_ciphers"]
    let document = Documents.everything.replacing(listener, with: .string(text)).replacing(pool, with: .string(text))
    let rendered = try HAProxyConfiguration.render(LoadBalancerDocument(document))
    #expect(rendered.split(separator: "\n").filter { $0.contains(" ciphers AES128-SHA") }.count == 3)
    try expectSameShape(document)
  }

  @Test(arguments: ["/{x}", "/a~SEQ(v,1,9)", "/~LST(v,1,2)", "live", ""])
  func `paths of monitors refuse what keepalived would interpret`(text: String) {
    let path: [Step] = ["loadbalancer", "listeners", 0, "default_pool", "healthmonitor", "url_path"]
    #expect(throws: DocumentError.self) {
      try LoadBalancerDocument(Documents.everything.replacing(path, with: .string(text)))
    }
  }

  @Test(arguments: ["/srv/../etc", "srv", "/", "/srv/a b"])
  func `folders are absolute paths of plain names`(text: String) throws {
    #expect((FolderPath(text) != nil) == (text == "/"))
  }

  /// Expects the files of a changed document to have as many lines with as many words as before.
  ///
  /// Words are counted as haproxy and keepalived do. Comments are not cut, so that text in them counts too.
  private func expectSameShape(_ document: DocumentValue) throws {
    let rendered = try ConfigurationFiles.render(LoadBalancerDocument(document))
    let before = try ConfigurationFiles.render(LoadBalancerDocument(Documents.everything))
    #expect(rendered.keys.sorted() == before.keys.sorted())
    for (name, text) in rendered {
      #expect(shape(text) == shape(before[name, default: ""]), "\(name)")
    }
  }

  /// The number of words in each line; `--` before a pattern is no word of its own.
  private func shape(_ text: String) -> [Int] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var words = 0
      var isInWord = false
      var isEscaped = false
      for byte in line.utf8 {
        let isBlank = byte == 0x20 || (0x09...0x0D).contains(byte)
        if isBlank, !isEscaped {
          isInWord = false
        } else if !isInWord {
          isInWord = true
          words += 1
        }
        isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      }
      return words - (line.contains(" -- ") ? 1 : 0)
    }
  }
}
