// Rules that span several fields or objects. They are checked when a document is read, with the path of the culprit,
// and again before it is rendered, because programs may build and change documents.

extension LoadBalancerDocument {
  /// Checks what no field can know by itself.
  func check() throws {
    let path = "loadbalancer"
    try checkUnique(loadBalancer.listeners, \.id, at: "\(path).listeners")
    for (index, pool) in loadBalancer.pools.enumerated() { try pool.check(at: "\(path).pools[\(index)]") }
    let pools = PoolIndex(loadBalancer)
    for (index, listener) in loadBalancer.listeners.enumerated() {
      try listener.check(at: "\(path).listeners[\(index)]", pools: pools)
    }
  }
}

extension Listener {
  fileprivate func check(at path: String, pools: PoolIndex) throws {
    try defaultPool?.check(at: "\(path).default_pool")
    try checkUse(of: pools.defaultPool(of: self), at: "\(path).default_pool")
    guard l7Policies.isEmpty || self.protocol.takesL7Policies else {
      throw DocumentError("\(path).l7policies", "are not possible with protocol \(self.protocol.rawValue)")
    }
    // haproxy joins rules of one name with "or".
    try checkUnique(l7Policies.flatMap(\.rules), \.id, at: "\(path).l7policies[...].rules")
    for (index, policy) in l7Policies.enumerated() {
      let path = "\(path).l7policies[\(index)]"
      try policy.check(at: path)
      try checkUse(of: pools.redirectPool(of: policy), at: "\(path).redirect_pool")
    }
  }

  private func checkUse(of pool: Pool?, at path: String) throws {
    guard let pool, !self.protocol.poolProtocols.contains(pool.protocol) else { return }
    throw DocumentError(
      path, "has protocol \(pool.protocol.rawValue), which a \(self.protocol.rawValue) listener cannot use")
  }
}

extension Pool {
  fileprivate func check(at path: String) throws {
    try checkUnique(members, \.id, at: "\(path).members")
    if let sessionPersistence, sessionPersistence.type == .appCookie {
      _ = try required(
        sessionPersistence.cookieName, "\(path).session_persistence.cookie_name", for: "type APP_COOKIE")
    }
    guard let healthMonitor else { return }
    guard self.protocol.monitorKinds.contains(healthMonitor.type) else {
      throw DocumentError(
        "\(path).healthmonitor.type",
        "\(healthMonitor.type.rawValue) is not possible in a \(self.protocol.rawValue) pool")
    }
    if healthMonitor.type == .http || healthMonitor.type == .https {
      let reason = "type \(healthMonitor.type.rawValue)"
      _ = try required(healthMonitor.httpMethod, "\(path).healthmonitor.http_method", for: reason)
      _ = try required(healthMonitor.urlPath, "\(path).healthmonitor.url_path", for: reason)
    }
  }
}

extension L7Policy {
  fileprivate func check(at path: String) throws {
    try redirectPool?.check(at: "\(path).redirect_pool")
    switch action {
    case .redirectToURL: _ = try required(redirectURL, "\(path).redirect_url", for: "action \(action.rawValue)")
    case .redirectPrefix: _ = try required(redirectPrefix, "\(path).redirect_prefix", for: "action \(action.rawValue)")
    case .redirectToPool, .reject: break
    }
    for (index, rule) in rules.enumerated() { try rule.check(at: "\(path).rules[\(index)]") }
  }
}

extension L7Rule {
  fileprivate func check(at path: String) throws {
    switch type {
    case .header, .cookie: _ = try key(as: HTTPTokenGrammar.self, at: path)
    case .tlsDNField: _ = try key(as: DNFieldNameGrammar.self, at: path)
    case .tlsVerifyResult: try checkVerifyResult(at: path)
    case .hostName, .path, .fileType, .tlsClientHasCertificate: break
    }
  }
}

private func checkUnique<Element>(_ elements: [Element], _ id: KeyPath<Element, ObjectID>, at path: String) throws {
  var seen: Set<ObjectID> = []
  for element in elements where !seen.insert(element[keyPath: id]).inserted {
    throw DocumentError(path, "have the id \(element[keyPath: id]) twice")
  }
}
