// What the commands of load balancers work with: memory, drivers, certificates.

import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import ArgumentParser
import Files
import Glibc

/// Options of the commands that build amphorae.
struct BuildOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The amphora-agent binary that amphorae run; by default AMPHORA_AGENT, the one beside this program, or "
        + "/usr/bin/amphora-agent.", valueName: "path"), completion: .file())
  var agent: String?
}

/// The parts that make load balancers on this machine.
struct LoadBalancerTools {
  let state: StateDirectory
  let driver: NamespaceDriver
  let procedures: LoadBalancerProcedures

  /// Tells the driver of the subnets in a load balancer's stored document.
  func defineSubnets(of id: LoadBalancerID) async throws {
    if let desired = try state.desired(id) { await driver.define(subnetsOf: desired) }
  }
}

extension CommandContext {
  /// The folder of what is remembered, as an absolute path.
  var stateFolder: String {
    get throws {
      let path = configuration.text(.state)
      if path.hasPrefix("/") { return path }
      guard let folder = getcwd(nil, 0) else { throw CommandFailure(.usage, "the current folder is gone") }
      defer { free(folder) }
      return "\(String(cString: folder))/\(path)"
    }
  }

  /// What is remembered of load balancers.
  var stateDirectory: StateDirectory { get throws { try StateDirectory("\(stateFolder)/loadbalancers") } }

  /// The load balancer that a text names: its id, or the beginning of it.
  func loadBalancer(_ text: String) throws -> LoadBalancerID {
    let all = try stateDirectory.loadBalancers()
    let matching = all.filter { $0.text == text || $0.text.hasPrefix(text) }
    if matching.count == 1, !text.isEmpty { return matching[0] }
    let known = all.map(\.text).joined(separator: ", ")
    throw CommandFailure(
      .usage, "\(matching.isEmpty ? "no load balancer is" : "several load balancers begin with") '\(text)'",
      hint: known.isEmpty ? "There is none yet." : "There are: \(known).")
  }

  /// The drivers and certificates for procedures.
  func loadBalancerTools(agent: String?) throws -> LoadBalancerTools {
    guard geteuid() == 0 else {
      throw CommandFailure(.usage, "this needs root: amphorae are made of namespaces on this machine")
    }
    let folder = try stateFolder
    // Two state folders on one machine must not meet: names and network follow from the path.
    let digest = Digest.sha256(folder.utf8)
    let driver = try NamespaceDriver(
      directory: "\(folder)/namespaces", agent: Self.agentPath(agent),
      prefix: "amph\(Digest.hex(digest.prefix(2)))",
      managementNetwork: "198.\(18 + digest[2] & 1).\(digest[3]).0/24")
    let state = try stateDirectory
    let receiver = "\(try driver.controllerAddress):5555"
    let authority = authority(.client)
    guard authority.exists else {
      throw CommandFailure(
        .usage, "there are no CAs in \(authority.path)",
        hint: "amphoractl ca init makes them, or name another folder with --set certificates=DIR.")
    }
    let clientCA = String(decoding: try InputFile.bytes(authority.certificatePath), as: UTF8.self)
    var settings = ControllerSettings(
      credentials: try credentials(), clientCAPEM: clientCA, heartbeatKey: try heartbeatKey(folder),
      heartbeatReceivers: [receiver]
    ) { [self] amphora in
      // Only now: nobody is asked for a passphrase when nothing is built.
      let issued = try signingAuthority(.server).issueAmphoraCertificate(
        id: amphora, validity: configuration.duration(.validity))
      try records.store(X509Certificate(pem: Array(issued.pem.utf8)), of: amphora)
      return issued
    }
    // Amphorae on this machine are there at once or never.
    settings.patience = RetryProfile(attempts: 300, pause: .milliseconds(100))
    settings.failoverPatience = RetryProfile(attempts: 2, pause: .milliseconds(500))
    settings.victimPatience = RetryProfile(attempts: 1, pause: .zero)
    settings.timeouts = RequestTimeouts(
      connect: min(timeouts.connect, .seconds(3)), read: timeouts.read)
    let procedures = LoadBalancerProcedures(
      state: state, compute: driver, network: driver, settings: settings, secrets: SecretFiles())
    return LoadBalancerTools(state: state, driver: driver, procedures: procedures)
  }

  private static func agentPath(_ option: String?) -> String? {
    if let option { return option }
    let installed = "/usr/bin/amphora-agent"
    // nil: beside this program.
    guard getenv("AMPHORA_AGENT") == nil, access(installed, X_OK) == 0 else { return nil }
    return installed
  }

  /// The configured key, or one made for this state folder.
  private func heartbeatKey(_ folder: String) throws -> String {
    if Environment.process["AMPHORA_HEARTBEAT_KEY"] != nil || configuration[.heartbeatKeyFile] != nil {
      return try configuration.heartbeatKeyText(nil, file: nil)
    }
    let path = "\(folder)/heartbeat.key"
    if !AccessibleFile.exists(path) {
      let key = Digest.hex(CertificateAuthority.randomUUIDv4() + CertificateAuthority.randomUUIDv4())
      try DurableFile.createDirectory(folder, mode: nil, parents: nil)
      try DurableFile.write("\(key)\n".utf8, to: path, mode: 0o600)
    }
    return try Secret.firstLine(of: path)
  }
}
