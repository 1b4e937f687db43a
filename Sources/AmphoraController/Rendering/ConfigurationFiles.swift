// All files of a document: the one entry point for whoever wants to see or send them.

/// The configuration files for one amphora.
public enum ConfigurationFiles {
  /// Renders every file that the document asks for, by file name.
  ///
  /// The names are `haproxy.cfg`, `lvs-<listener id>.conf` and `keepalived.conf`. Fails with a ``DocumentError``.
  public static func render(_ document: LoadBalancerDocument) throws -> [String: String] {
    try document.check()
    var files: [String: String] = [:]
    let pools = PoolIndex(document.loadBalancer)
    let listeners = document.loadBalancer.listeners
    // Disabled listeners count.
    if listeners.contains(where: { !$0.protocol.usesLVS }) {
      files[HAProxyConfiguration.fileName] = try HAProxyConfiguration.render(checked: document)
    }
    for listener in listeners where listener.protocol.usesLVS {
      files[KeepalivedLVSConfiguration.fileName(listener.id)] =
        KeepalivedLVSConfiguration(checked: document, listener, pools).text()
    }
    if let text = try KeepalivedVRRPConfiguration.render(checked: document) {
      files[KeepalivedVRRPConfiguration.fileName] = text
    }
    return files
  }
}
