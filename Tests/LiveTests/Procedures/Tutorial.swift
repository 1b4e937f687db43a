// The code of the tutorial in AmphoraController.docc: between the marks it is the article's, letter by letter.
// TutorialTests runs it and compares. The imports are all that it needs: it uses public declarations only.

// tutorial: begin
import AmphoraController
import AmphoraProtocol

func runPair(
  _ document: LoadBalancerDocument, on cloud: some ComputeDriver & NetworkDriver, address: String, folder: String,
  passphrase: String, heartbeatKey: String, log: @escaping @Sendable (String) -> Void = { print($0) }
) async throws {
  // 1. Two certificate authorities, made by the first run and loaded by later ones.
  func authority(_ role: AuthorityFolder.Role) throws -> CertificateAuthority {
    let files = AuthorityFolder(path: "\(folder)/certificates", role: role)
    if files.exists { return try files.load(passphrase: passphrase) }
    return try files.create(name: "\(role) CA", passphrase: passphrase)
  }
  let (serverCA, clientCA) = (try authority(.server), try authority(.client))

  // 2. What the controller is: its certificate, and where amphorae send heartbeats.
  var settings = ControllerSettings(
    credentials: ControllerCredentials(
      clientPEM: try clientCA.issueControllerCertificate(name: "controller").pem,
      serverCAPEM: try serverCA.certificatePEM()),
    clientCAPEM: try clientCA.certificatePEM(), heartbeatKey: heartbeatKey, heartbeatReceivers: ["\(address):5555"]
  ) { try serverCA.issueAmphoraCertificate(id: $0) }
  settings.heartbeatInterval = 2

  // 3. Make the load balancer what the document says.
  let state = try StateDirectory("\(folder)/state")
  let procedures = LoadBalancerProcedures(state: state, compute: cloud, network: cloud, settings: settings)
  let tell: ProgressHandler = { log("\($0.number)/\($0.count) \($0.name): \($0.phase)") }
  try await procedures.apply(document, progress: tell)

  // 4. Listen to the amphorae that serve it.
  var configuration = AmphoraHealthMonitor.Configuration()
  configuration.staleness.heartbeatTimeout = .seconds(12)
  let monitor = try await AmphoraHealthMonitor.listen(
    on: address, keys: [HeartbeatKey(heartbeatKey)], configuration: configuration)
  let events = monitor.events()
  func expectServing() throws {
    let amphorae = try state.record(document.id)?.servingAmphorae.map(\.id) ?? []
    monitor.expect(document.loadBalancer, amphorae: amphorae)
  }
  try expectServing()

  // 5. Replace each one that falls silent, until the task is cancelled.
  for await event in events {
    log("\(event)")
    guard case .stale(let silent) = event else { continue }
    try await procedures.failOver(amphora: silent.amphora, progress: tell)
    try expectServing()
  }
  await monitor.close()
}
// tutorial: end
