// amphoractl ca: the two CAs of a cloud, and the certificates they sign.

import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import ArgumentParser
import Files

struct CACommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ca",
    abstract: "Make CAs, issue and rotate certificates, replace a CA.",
    discussion: """
      The folder `certificates` holds server_ca.pem with server_ca.key (signs amphorae's certificates; controllers trust \
      it), client_ca.pem with client_ca.key (signs controllers' certificates; amphorae trust it), client.pem (this \
      controller's certificate and key), and amphorae/, the certificates that amphorae got, without keys.

      The keys are encrypted. The passphrase comes from AMPHORA_PASSPHRASE, from the file passphrase_file, or is asked for.

      EXAMPLE: amphoractl ca init
      """,
    subcommands: [CAInit.self, CAIssue.self, CARotate.self, CAList.self, CARollover.self])
}

/// Which CA a command is about.
enum RoleArgument: String, ExpressibleByArgument, CaseIterable {
  case server, client

  var role: AuthorityFolder.Role { self == .server ? .server : .client }
}

extension CommandContext {
  func authority(_ role: AuthorityFolder.Role) -> AuthorityFolder {
    AuthorityFolder(path: configuration.text(.certificates), role: role)
  }

  /// What amphorae were issued.
  var records: CertificateRecords { CertificateRecords(path: "\(configuration.text(.certificates))/amphorae") }

  /// The CA that signs; a missing one is explained.
  func signingAuthority(_ role: AuthorityFolder.Role) throws -> CertificateAuthority {
    let folder = authority(role)
    guard folder.exists else {
      throw CommandFailure(
        .usage, "there is no \(role.rawValue) CA in \(folder.path)",
        hint: "amphoractl ca init makes it, or name another folder with --set certificates=DIR.")
    }
    return try folder.load(passphrase: try configuration.passphrase())
  }

  /// Issues this controller's certificate and writes it.
  func writeControllerCertificate(_ name: String, to path: String, from ca: CertificateAuthority) throws
    -> IssuedCertificate
  {
    let issued = try ca.issueControllerCertificate(name: name, validity: configuration.duration(.validity))
    try DurableFile.createDirectory(path.folder, mode: nil, parents: nil)
    try DurableFile.write(issued.pem.utf8, to: path, mode: 0o600)
    return issued
  }
}

/// A certificate as it is shown.
struct CertificateBody: Encodable {
  let subject: String
  let serial: String
  let notAfter: String
  let path: String?

  enum CodingKeys: String, CodingKey {
    case subject, serial, path
    case notAfter = "not_after"
  }
}

struct CAInit: Command {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make both CAs and this controller's certificate; what exists stays.",
    discussion: "EXAMPLE: AMPHORA_PASSPHRASE=… amphoractl ca init --name 'Lab 1'")

  @OptionGroup var global: GlobalOptions

  @Option(help: "The beginning of the CAs' names.")
  var name = "Amphora"

  @Option(help: "The controller's name in its certificate.")
  var controller = "amphoractl"

  @Option(help: "How long the CAs last, in days.")
  var days = 3650

  func validate() throws {
    guard (1...36500).contains(days) else { throw ValidationError("--days must be from 1 to 36500") }
  }

  private struct Body: Encodable {
    var made: [String] = []
    var existed: [String] = []
  }

  func execute(_ context: CommandContext) async throws {
    var body = Body()
    var passphrase: String?
    for role in AuthorityFolder.Role.allCases {
      let folder = context.authority(role)
      guard !(AccessibleFile.exists(folder.certificatePath) && AccessibleFile.exists(folder.keyPath)) else {
        body.existed.append(folder.certificatePath)
        continue
      }
      if passphrase == nil { passphrase = try newPassphrase(context.configuration) }
      let ca = try folder.create(
        name: "\(name) \(role.rawValue) CA", passphrase: passphrase, validity: .seconds(days * 86400))
      body.made.append(folder.certificatePath)
      let path = context.configuration.text(.controllerCertificate)
      if role == .client && !AccessibleFile.exists(path) {
        _ = try context.writeControllerCertificate(controller, to: path, from: ca)
        body.made.append(path)
      }
    }
    let lines = body.made.map { "made \($0)" } + body.existed.map { "\($0) exists already" }
    try context.output.result(body, text: Terminal.safe(lines.joined(separator: "\n")))
  }

  private func newPassphrase(_ configuration: Configuration) throws(CommandFailure) -> String {
    guard let text = try configuration.passphrase(isNew: true) else {
      throw CommandFailure(
        .usage, "no passphrase for the CA keys, and no terminal to ask on",
        hint: "Set AMPHORA_PASSPHRASE or passphrase_file.")
    }
    return text
  }
}

struct CAIssue: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issue", abstract: "Issue a certificate with its key.",
    discussion: "EXAMPLE: amphoractl ca issue controller --name health-manager --output hm.pem",
    subcommands: [Amphora.self, Controller.self])

  struct Amphora: Command {
    static let configuration = CommandConfiguration(
      abstract: "Issue the server.pem of an amphora that is being built.",
      discussion: """
        An amphora that runs gets a new one with `amphoractl ca rotate`.

        EXAMPLE: amphoractl ca issue amphora 6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8 --output server.pem
        """)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The amphora's id.") var id: String
    @Option(name: .shortAndLong, help: "The file to write, mode 0600.", completion: .file()) var output: String

    func execute(_ context: CommandContext) async throws {
      guard let amphora = AmphoraID(id) else { throw CommandFailure(.usage, "'\(id)' is no amphora id") }
      let ca = try context.signingAuthority(.server)
      let issued = try ca.issueAmphoraCertificate(id: amphora, validity: context.configuration.duration(.validity))
      try DurableFile.write(issued.pem.utf8, to: output, mode: 0o600)
      try context.records.store(issued.certificate, of: amphora)
      try context.show(issued, path: output)
    }
  }

  struct Controller: Command {
    static let configuration = CommandConfiguration(
      abstract: "Issue a controller's certificate: without --output this controller's own.",
      discussion: "EXAMPLE: amphoractl ca issue controller")

    @OptionGroup var global: GlobalOptions
    @Option(help: "The controller's name in its certificate.") var name = "amphoractl"
    @Option(
      name: .shortAndLong, help: "The file to write, mode 0600; controller_certificate unless told.",
      completion: .file())
    var output: String?

    func execute(_ context: CommandContext) async throws {
      let ca = try context.signingAuthority(.client)
      let path = output ?? context.configuration.text(.controllerCertificate)
      try context.show(try context.writeControllerCertificate(name, to: path, from: ca), path: path)
    }
  }
}

extension CommandContext {
  fileprivate func show(_ issued: IssuedCertificate, path: String) throws {
    let body = CertificateBody(
      subject: issued.certificate.subject, serial: issued.serial, notAfter: Quantity.iso8601(unixTime: issued.notAfter),
      path: path)
    try output.result(
      body, text: "\(path): \(body.subject), valid until \(Quantity.date(unixTime: issued.notAfter))")
  }
}
