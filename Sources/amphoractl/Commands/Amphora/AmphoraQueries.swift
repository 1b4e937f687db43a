// amphoractl amphora version, info, details, listeners, certificate, interface: what an amphora says of itself.

import Addresses
import AmphoraController
import AmphoraCrypto
import AmphoraProtocol
import ArgumentParser

struct AmphoraVersion: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "The version of the agent's API.",
    discussion: "EXAMPLE: amphoractl amphora version web-1")

  @OptionGroup var target: AmphoraOptions

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let version = try await client.discover()
    try output.result(["api_version": version], text: Terminal.safe(version))
  }
}

struct AmphoraInfo: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Host name and versions.", discussion: "EXAMPLE: amphoractl amphora info web-1")

  @OptionGroup var target: AmphoraOptions

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let info = try await client.info()
    try output.result(
      info,
      text: Terminal.safe(
        """
        host        \(info.hostname)
        API         \(info.apiVersion)
        haproxy     \(info.haproxyVersion)
        keepalived  \(info.keepalivedVersion)
        ipvsadm     \(info.ipvsadmVersion)
        """))
  }
}

struct AmphoraDetails: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "details", abstract: "State in numbers: load, memory, disk, traffic, listeners.",
    discussion: "EXAMPLE: amphoractl amphora details web-1 --json")

  @OptionGroup var target: AmphoraOptions

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let details = try await client.details()
    try output.result(details, text: Terminal.safe(text(details)))
  }

  private func text(_ details: DetailsBody) -> String {
    let memory = details.memory
    var lines = [
      "host        \(details.hostname)",
      "haproxy     \(details.haproxyVersion), \(details.haproxyCount) running",
      "keepalived  \(details.keepalivedVersion), \(details.lvsListenerProcessCount) for UDP and SCTP",
      "CPUs        \(details.cpuCount), load \(details.load.joined(separator: " "))",
      "memory      \(memory.free / 1024) of \(memory.total / 1024) MiB free, \(memory.cached / 1024) MiB cached",
      "disk        \(details.disk.used >> 20) MiB used, \(details.disk.available >> 20) MiB available",
    ]
    for (name, network) in details.networks.sorted(by: { $0.key < $1.key }) {
      lines.append("\(name)        \(network.networkRx) bytes in, \(network.networkTx) bytes out")
    }
    for listener in details.listeners { lines.append("listener    \(listener)") }
    return lines.joined(separator: "\n")
  }
}

struct AmphoraListeners: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "listeners", abstract: "The listeners that the amphora has.",
    discussion: "EXAMPLE: amphoractl amphora listeners web-1")

  @OptionGroup var target: AmphoraOptions

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let listeners = try await client.listListeners()
    var table = Table(["LISTENER", "TYPE", "STATUS"])
    for listener in listeners {
      let isGood = listener.status == "ACTIVE"
      table.append([
        Table.Cell(listener.uuid), Table.Cell(listener.type),
        Table.Cell(listener.status, style: isGood ? output.style.good : output.style.bad),
      ])
    }
    try output.result(listeners, text: listeners.isEmpty ? "no listeners" : table.text(style: output.style))
  }
}

struct AmphoraCertificate: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "certificate", abstract: "The certificate that the agent shows to a new connection.",
    discussion: "A new one is put there by `amphoractl ca rotate`. EXAMPLE: amphoractl amphora certificate web-1")

  @OptionGroup var target: AmphoraOptions

  private struct Body: Encodable {
    let subject: String
    let issuer: String
    let serial: String
    let notBefore: Int64
    let notAfter: Int64
    let sha256: String

    enum CodingKeys: String, CodingKey {
      case subject, issuer, serial, sha256
      case notBefore = "not_before"
      case notAfter = "not_after"
    }
  }

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let certificate = try await client.servedCertificate()
    let body = Body(
      subject: certificate.subject, issuer: certificate.issuer, serial: certificate.serial,
      notBefore: certificate.notBefore, notAfter: certificate.notAfter,
      sha256: Digest.hex(Digest.sha256(certificate.der)))
    try output.result(
      body,
      text: Terminal.safe(
        """
        subject  \(body.subject)
        issuer   \(body.issuer)
        serial   \(body.serial)
        from     \(Quantity.date(unixTime: body.notBefore))
        until    \(Quantity.date(unixTime: body.notAfter))
        SHA-256  \(body.sha256)
        """))
  }
}

struct AmphoraInterface: AmphoraRequest {
  static let configuration = CommandConfiguration(
    commandName: "interface", abstract: "The name of the interface that holds an address.",
    discussion: "EXAMPLE: amphoractl amphora interface web-1 203.0.113.4")

  @OptionGroup var target: AmphoraOptions
  @Argument(help: "The address.") var address: IPAddress

  func call(_ client: AmphoraClient, _ output: Output) async throws {
    let name = try await client.findInterface(address)
    try output.result(["interface": name], text: Terminal.safe(name))
  }
}
