// What all sections of haproxy.cfg need to know.

/// A document, prepared for haproxy.cfg.
struct HAProxyInput {
  let loadBalancer: LoadBalancer
  let context: RenderingContext
  let escaping: Escaping
  /// The listeners that haproxy serves, enabled or not.
  let listeners: [EffectiveListener]

  init(_ document: LoadBalancerDocument, escaping: Escaping) {
    loadBalancer = document.loadBalancer
    context = document.context
    self.escaping = escaping
    let pools = PoolIndex(document.loadBalancer)
    listeners = document.loadBalancer.listeners.filter { !$0.protocol.usesLVS }.map {
      EffectiveListener($0, pools: pools, options: document.context.options)
    }
  }

  var options: RenderingOptions { context.options }
  var version: HAProxyVersion { context.haproxyVersion }
  var isPair: Bool { context.topology == .activeStandby }
  var enabledListeners: [EffectiveListener] { listeners.filter(\.listener.adminStateUp) }

  /// The name of the section with both haproxies of a pair.
  var peersName: String { "\(loadBalancer.id.withoutDashes)_peers" }

  /// Whether the exporter of metrics is part of the file; haproxy has it since version 2.0.
  var hasPrometheusExporter: Bool { version.major >= 2 }

  /// The path of a certificate or secret.
  func certificatePath(_ reference: String) throws -> String {
    guard let id = context.certificates[reference] else {
      throw DocumentError("context.certificates", "have no file id for \(quoted(reference))")
    }
    return certificatePath(fileID: id.rawValue)
  }

  /// The path of the list of a listener's certificates.
  func certificateListPath(_ listener: Listener) -> String { certificatePath(fileID: listener.id.rawValue) }

  private func certificatePath(fileID: String) -> String {
    let base = options.baseCertificateFolder?.rawValue ?? DefaultOptions.baseCertificateFolder
    return "\(base)/\(loadBalancer.id)/\(fileID).pem"
  }
}

extension RenderingOptions {
  /// The folder of everything but certificates.
  var baseFolderPath: String { baseFolder?.rawValue ?? DefaultOptions.baseFolder }
}
