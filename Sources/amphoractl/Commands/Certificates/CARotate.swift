// amphoractl ca rotate: new certificates for amphorae that serve.

import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import ArgumentParser
import Glibc

struct CARotate: Command {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Give amphorae new certificates, and see that they serve them.",
    discussion: """
      Each amphora gets a certificate of its own; a new connection must show it, or the rotation has failed. An \
      interrupted rotation leaves the old or the new certificate in place and may be repeated. Traffic through the \
      amphora does not notice.

      EXAMPLE: amphoractl ca rotate --all --expiring
      """)

  @OptionGroup var global: GlobalOptions

  @Argument(help: "Amphorae of the configuration by name or id, or ID@ADDRESS.")
  var amphorae: [String] = []

  @Flag(help: "All amphorae of the configuration.")
  var all = false

  @Flag(help: "Only those whose certificate ends within renew_before seconds.")
  var expiring = false

  @Option(help: "How many amphorae at once.")
  var width = CertificateRotation.defaultWidth

  func validate() throws {
    guard all == amphorae.isEmpty else { throw ValidationError("name amphorae, or use --all") }
    guard (1...100).contains(width) else { throw ValidationError("--width must be from 1 to 100") }
  }

  private struct Body: Encodable {
    let amphora: String
    let serial: String?
    let notAfter: String?
    let error: String?

    enum CodingKeys: String, CodingKey {
      case amphora, serial, error
      case notAfter = "not_after"
    }
  }

  func execute(_ context: CommandContext) async throws {
    let entries = all ? context.configuration.amphorae : try amphorae.map(context.amphora)
    guard !entries.isEmpty else {
      throw CommandFailure(.usage, "there are no amphorae in \(context.configuration.file)")
    }
    let credentials = try context.credentials()
    let ca = try context.signingAuthority(.server)
    // An amphora would serve a certificate that this controller does not trust, and be lost to it.
    try requireTrust(in: ca, credentials, context)
    var clients = try entries.map {
      try AmphoraClient(
        endpoint: context.endpoint($0), credentials: credentials, retry: context.retry, timeouts: context.timeouts)
    }
    let opened = clients
    do {
      if expiring { clients = try await select(clients, context) }
      try await rotate(clients, entries, ca, context)
    } catch {
      for client in opened { try? await client.shutdown() }
      throw error
    }
    for client in opened { try? await client.shutdown() }
  }

  private func rotate(
    _ clients: [AmphoraClient], _ entries: [AmphoraEntry], _ ca: CertificateAuthority, _ context: CommandContext
  ) async throws {
    if clients.isEmpty { context.output.note("no certificate is about to expire") }
    let output = context.output
    var failures: [CommandFailure] = []
    try await CertificateRotation(authority: ca, validity: context.configuration.duration(.validity))
      .rotateAll(clients, width: width) { amphora, result in
        let name = entries.first { $0.id == amphora }?.name ?? amphora.text
        switch result {
        case .success(let rotated):
          try context.records.store(rotated.current, of: amphora)
          try show(rotated, name, output)
        case .failure(let error):
          let failure = CommandFailure(explaining: error)
          failures.append(failure)
          if output.isJSON {
            try output.jsonLine(Body(amphora: amphora.text, serial: nil, notAfter: nil, error: failure.message))
          } else {
            output.failure(CommandFailure(failure.status, "\(name): \(failure.message)", hint: failure.hint))
          }
        }
      }
    guard let first = failures.first else { return }
    // One amphora's failure has been shown in full; several get a sum.
    throw CommandFailure(
      clients.count == 1 ? first.status : .failed,
      "\(failures.count) of \(clients.count) amphora\(clients.count == 1 ? " was" : "e were") not rotated",
      hint: "Repeat the command when the reason is gone; what was rotated stays good.")
  }

  private func show(_ rotated: RotatedCertificate, _ name: String, _ output: Output) throws {
    let notAfter = rotated.current.notAfter
    if output.isJSON {
      try output.jsonLine(
        Body(
          amphora: rotated.amphora.text, serial: rotated.current.serial,
          notAfter: Quantity.iso8601(unixTime: notAfter), error: nil))
    } else {
      output.line(
        "\(output.style.good("rotated")) \(name): serial \(rotated.current.serial), valid until "
          + Quantity.date(unixTime: notAfter))
    }
  }

  private func requireTrust(
    in ca: CertificateAuthority, _ credentials: ControllerCredentials, _ context: CommandContext
  ) throws {
    let signing = try X509Certificate(pem: ca.certificatePEM().utf8)
    let trusted = try? PEMBundle(pem: credentials.serverCAPEM.utf8).certificates
    guard trusted?.contains(signing) ?? false else {
      throw CommandFailure(
        .usage, "\(context.configuration.text(.serverCA)) does not trust the CA that signs: \(ca.subject)",
        hint: "Copy \(context.authority(.server).certificatePath) there.")
    }
  }

  /// Those whose certificate ends soon, by what they serve now.
  private func select(_ clients: [AmphoraClient], _ context: CommandContext) async throws -> [AmphoraClient] {
    let limit = CertificateAuthority.systemUnixTime() + Int64(context.configuration.integer(.renewBefore))
    return try await withThrowingTaskGroup(of: (Int, Bool).self) { group in
      for (index, client) in clients.enumerated() {
        group.addTask {
          // One that does not answer is left in: its rotation says why.
          guard let served = try? await client.servedCertificate() else { return (index, true) }
          return (index, served.notAfter < limit)
        }
      }
      var chosen: Set<Int> = []
      for try await (index, isDue) in group where isDue { chosen.insert(index) }
      return clients.indices.filter(chosen.contains).map { clients[$0] }
    }
  }
}
