// amphoractl ca list: which certificates there are, and when they end.

import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import ArgumentParser

struct CAList: Command {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List CAs and certificates, with what expires first first; needs no passphrase.",
    discussion: """
      Amphorae's certificates are listed as they were issued here; with --served each amphora of the configuration is \
      asked for the one it shows. STATE is ok, expiring (within renew_before) or expired.

      EXAMPLE: amphoractl ca list --served
      """)

  @OptionGroup var global: GlobalOptions

  @Flag(help: "Ask the amphorae of the configuration for the certificates they show.")
  var served = false

  private struct Entry: Encodable {
    let kind: String
    let name: String
    let serial: String?
    let issuer: String?
    let notAfter: Int64?
    let state: String

    enum CodingKeys: String, CodingKey {
      case kind, name, serial, issuer, state
      case notAfter = "not_after"
    }
  }

  func execute(_ context: CommandContext) async throws {
    let entries = try authorities(context) + controller(context) + (served ? await asked(context) : recorded(context))
    var table = Table(["KIND", "NAME", "EXPIRES", "IN", "STATE", "ISSUER"])
    let (style, now) = (context.output.style, CertificateAuthority.systemUnixTime())
    for entry in entries {
      let mark: (@Sendable (String) -> String)? =
        switch entry.state {
        case "ok": style.good
        case "expiring": style.warning
        default: style.bad
        }
      table.append([
        Table.Cell(entry.kind), Table.Cell(entry.name), Table.Cell(entry.notAfter.map(Quantity.date) ?? "-"),
        Table.Cell(entry.notAfter.map { Quantity.age(seconds: $0 - now) } ?? "-"), Table.Cell(entry.state, style: mark),
        Table.Cell(entry.issuer ?? "-"),
      ])
    }
    try context.output.result(entries, text: table.text(style: style))
  }

  private func entry(_ kind: String, _ name: String, _ certificate: X509Certificate, _ context: CommandContext) -> Entry
  {
    let now = CertificateAuthority.systemUnixTime()
    let isNear = certificate.notAfter < now + Int64(context.configuration.integer(.renewBefore))
    return Entry(
      kind: kind, name: name, serial: certificate.serial, issuer: certificate.issuer, notAfter: certificate.notAfter,
      state: certificate.notAfter < now ? "expired" : isNear ? "expiring" : "ok")
  }

  private func authorities(_ context: CommandContext) throws -> [Entry] {
    var entries: [Entry] = []
    for role in AuthorityFolder.Role.allCases where context.authority(role).exists {
      let folder = context.authority(role)
      let phase = try folder.phase()
      for (index, certificate) in try folder.trusted().enumerated() {
        let part = index == 0 ? "signs" : phase == .prepared ? "successor" : "predecessor"
        entries.append(entry("\(role.rawValue) CA, \(part)", certificate.subject, certificate, context))
      }
    }
    return entries
  }

  private func controller(_ context: CommandContext) throws -> [Entry] {
    let path = context.configuration.text(.controllerCertificate)
    guard AccessibleFile.exists(path) else { return [] }
    do {
      return [entry("controller", path, try X509Certificate(pem: InputFile.bytes(path)), context)]
    } catch let error as CryptoError {
      throw CommandFailure(.failed, "\(path): \(error)")
    }
  }

  private func recorded(_ context: CommandContext) throws -> [Entry] {
    let names = Dictionary(context.configuration.amphorae.map { ($0.id, $0.name) }, uniquingKeysWith: { $1 })
    return try context.records.all().map {
      entry("amphora", names[$0.amphora] ?? $0.amphora.text, $0.certificate, context)
    }
  }

  private func asked(_ context: CommandContext) async throws -> [Entry] {
    var entries: [Entry] = []
    try await withThrowingTaskGroup(of: (AmphoraEntry, X509Certificate?).self) { group in
      for amphora in context.configuration.amphorae {
        group.addTask {
          do {
            return (amphora, try await context.withClient(amphora) { try await $0.servedCertificate() })
          } catch is AmphoraClientError {
            return (amphora, nil)
          }
        }
      }
      for try await (amphora, certificate) in group {
        entries.append(
          certificate.map { entry("amphora", amphora.name, $0, context) }
            ?? Entry(
              kind: "amphora", name: amphora.name, serial: nil, issuer: nil, notAfter: nil, state: "unreachable"))
      }
    }
    return entries.sorted { ($0.notAfter ?? 0, $0.name) < ($1.notAfter ?? 0, $1.name) }
  }
}
