// amphoractl ca rollover: one CA replaced by another while everything goes on.

import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import ArgumentParser

struct CARollover: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollover",
    abstract: "Replace a CA by a new one, both trusted for a while.",
    discussion: """
      The server CA (controllers trust it, it signs amphorae's certificates):
        1. prepare server    makes the new CA; server_ca.pem holds both
        2. copy server_ca.pem to every other controller and have it read there
        3. activate server   from now on the new CA signs
        4. ca rotate --all   every amphora gets a certificate of the new CA
        5. finish server     refused until all amphorae of the configuration show one; the old CA is dropped
        6. copy server_ca.pem to every other controller again

      The client CA (amphorae trust it, it signs controllers' certificates). No route of the API changes what an amphora
      trusts, so that changes by building it anew:
        1. prepare client    makes the new CA; client_ca.pem holds both, and so does each amphora built from now on
        2. replace the amphorae that know the old CA only (failover), or put client_ca.pem in place of
           /etc/octavia/certs/client_ca.pem in them; the next connection is judged by it
        3. activate client   refused until all amphorae of the configuration take a certificate of the new CA
        4. ca issue controller, and the same for every other controller
        5. finish client     the old CA is dropped; amphorae built from now on trust the new one alone

      `cancel` instead of `activate` forgets the new CA. Every step may be repeated.

      EXAMPLE: amphoractl ca rollover prepare server
      """,
    subcommands: [Prepare.self, Activate.self, Finish.self, Cancel.self])

  struct Prepare: Command {
    static let configuration = CommandConfiguration(
      abstract: "Make the new CA and have both trusted.",
      discussion: "EXAMPLE: amphoractl ca rollover prepare server --name 'Lab 1 server CA, second'")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Which CA: server or client.") var ca: RoleArgument
    @Option(help: "The new CA's name.") var name: String?

    func execute(_ context: CommandContext) async throws {
      let folder = context.authority(ca.role)
      let date = Quantity.date(unixTime: CertificateAuthority.systemUnixTime()).prefix(10)
      let successor = try folder.prepareRollover(
        name: name ?? "Amphora \(ca.rawValue) CA \(date)", passphrase: try context.configuration.passphrase())
      try context.show(folder, "\(successor.subject) is prepared, and \(folder.certificatePath) trusts both CAs")
    }
  }

  struct Activate: Command {
    static let configuration = CommandConfiguration(
      abstract: "Have the new CA sign from now on.", discussion: "EXAMPLE: amphoractl ca rollover activate server")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Which CA: server or client.") var ca: RoleArgument
    @Flag(help: "Do not ask the amphorae first.") var force = false

    func execute(_ context: CommandContext) async throws {
      let folder = context.authority(ca.role)
      let passphrase = try context.configuration.passphrase()
      if !force, ca == .client, let successor = try folder.loadSuccessor(passphrase: passphrase) {
        try await requireAcceptance(of: successor, context)
      }
      try folder.activateSuccessor(passphrase: passphrase)
      try context.show(
        folder,
        ca == .server
          ? "the new server CA signs; next: amphoractl ca rotate --all"
          : "the new client CA signs; next: amphoractl ca issue controller")
    }

    /// Shows each amphora a short-lived certificate of the new CA.
    private func requireAcceptance(of successor: CertificateAuthority, _ context: CommandContext) async throws {
      let probe = try successor.issueControllerCertificate(name: "rollover probe", validity: .seconds(3600))
      let credentials = ControllerCredentials(clientPEM: probe.pem, serverCAPEM: try context.credentials().serverCAPEM)
      try await context.requireAll("do not take certificates of the new client CA") { amphora in
        do {
          _ = try await context.withClient(amphora, credentials: credentials) { try await $0.discover() }
          return nil
        } catch let error as AmphoraClientError {
          return "\(error)"
        }
      }
    }
  }

  struct Finish: Command {
    static let configuration = CommandConfiguration(
      abstract: "Drop the old CA.", discussion: "EXAMPLE: amphoractl ca rollover finish server")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Which CA: server or client.") var ca: RoleArgument
    @Flag(help: "Do not check first what is in use.") var force = false

    func execute(_ context: CommandContext) async throws {
      let folder = context.authority(ca.role)
      let passphrase = try context.configuration.passphrase()
      if !force { try await requireUnused(try folder.load(passphrase: passphrase), context) }
      try folder.finishRollover(passphrase: passphrase)
      try context.show(
        folder, "the old \(ca.rawValue) CA is dropped; \(folder.certificatePath) holds the new one alone")
    }

    /// Nothing that is in use may still depend on the old CA.
    private func requireUnused(_ new: CertificateAuthority, _ context: CommandContext) async throws {
      let authority = try X509Certificate(pem: new.certificatePEM().utf8)
      let now = CertificateAuthority.systemUnixTime()
      @Sendable func reason(_ certificate: X509Certificate, _ purpose: X509Certificate.Purpose) -> String? {
        do { try certificate.verify(authorities: [authority], purpose: purpose, now: now) } catch {
          return "its certificate is of \(certificate.issuer): \(error)"
        }
        return nil
      }
      switch ca {
      case .server:
        try await context.requireAll("do not show certificates of the new server CA") { amphora in
          do {
            return reason(try await context.withClient(amphora) { try await $0.servedCertificate() }, .server)
          } catch let error as AmphoraClientError {
            return "\(error)"
          }
        }
      case .client:
        let path = context.configuration.text(.controllerCertificate)
        let own = try X509Certificate(pem: InputFile.bytes(path))
        if let why = reason(own, .client) {
          throw CommandFailure(.failed, "\(path): \(why)", hint: "First: amphoractl ca issue controller")
        }
      }
    }
  }

  struct Cancel: Command {
    static let configuration = CommandConfiguration(
      abstract: "Forget the new CA before it has signed anything.",
      discussion: "EXAMPLE: amphoractl ca rollover cancel server")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Which CA: server or client.") var ca: RoleArgument

    func execute(_ context: CommandContext) async throws {
      let folder = context.authority(ca.role)
      try folder.cancelRollover(passphrase: try context.configuration.passphrase())
      try context.show(folder, "the rollover is cancelled; \(folder.certificatePath) holds the old CA alone")
    }
  }
}

extension CommandContext {
  fileprivate func show(_ folder: AuthorityFolder, _ text: String) throws {
    struct Body: Encodable {
      let ca: String
      let phase: String
      let trusted: [CertificateBody]
    }
    let trusted = try folder.trusted().map {
      CertificateBody(
        subject: $0.subject, serial: $0.serial, notAfter: Quantity.iso8601(unixTime: $0.notAfter),
        path: folder.certificatePath)
    }
    try output.result(
      Body(ca: folder.role.rawValue, phase: try folder.phase().rawValue, trusted: trusted), text: Terminal.safe(text))
  }

  /// Asks every amphora of the configuration; those that give a reason make the command fail.
  fileprivate func requireAll(
    _ what: String, _ reason: @escaping @Sendable (AmphoraEntry) async throws -> String?
  ) async throws {
    var reasons: [String] = []
    try await withThrowingTaskGroup(of: String?.self) { group in
      for amphora in configuration.amphorae {
        group.addTask { try await reason(amphora).map { "\(amphora.name): \($0)" } }
      }
      for try await text in group { if let text { reasons.append(text) } }
    }
    guard reasons.isEmpty else {
      throw CommandFailure(
        .failed,
        "\(reasons.count) of \(configuration.amphorae.count) amphorae \(what):\n"
          + reasons.sorted().joined(separator: "\n"),
        hint: "Nothing was changed. --force goes on all the same.")
    }
  }
}
