// HTTPS to one agent: one request, one attempt. The only file that imports AsyncHTTPClient.

public import AmphoraCrypto
import AmphoraProtocol
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

/// Credentials that cannot be used.
public enum CredentialError: Error, Sendable, CustomStringConvertible {
  /// The controller's own PEM.
  case client(PEMBundleError)
  /// The CA's PEM.
  case serverCA(PEMBundleError)
  /// The TLS library refuses what OpenSSL reads.
  case tls(String)

  /// The error in words.
  public var description: String {
    switch self {
    case .client(let error): "the controller's certificate: \(error)"
    case .serverCA(let error): "the server CA: \(error)"
    case .tls(let text): "the TLS library refuses the credentials: \(text)"
    }
  }
}

/// A failed attempt: no complete answer came.
struct TransportFailure: Error {
  let reason: String
  let isShutDown: Bool
}

/// A TLS client for one agent.
struct AgentTransport: Sendable {
  /// No answer of an agent is longer: configurations are the largest.
  private static let maximumAnswerBytes = 16 << 20
  /// An attempt ends after this at the latest, however slowly bytes trickle.
  private static let maximumAttempt: TimeAmount = .minutes(10)

  let endpoint: AmphoraEndpoint
  let tls: TLSConfiguration
  let timeouts: RequestTimeouts
  let eventLoopGroup: any EventLoopGroup
  private let client: HTTPClient

  init(
    endpoint: AmphoraEndpoint, credentials: ControllerCredentials, timeouts: RequestTimeouts,
    eventLoopGroup: any EventLoopGroup
  ) throws(CredentialError) {
    self.endpoint = endpoint
    self.timeouts = timeouts
    self.eventLoopGroup = eventLoopGroup
    tls = try Self.tls(credentials)
    var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
    configuration.timeout = .init(
      connect: TimeAmount(timeouts.connect), read: TimeAmount(timeouts.read), write: TimeAmount(timeouts.read))
    // The request goes to the address, while TLS checks the certificate against the amphora's id.
    configuration.dnsOverride = [endpoint.amphora.text: endpoint.host]
    configuration.httpVersion = .http1Only
    configuration.redirectConfiguration = .disallow
    // Attempts are counted here, by the profile.
    configuration.connectionPool.retryConnectionEstablishment = false
    // Agents close after each answer; a pooled connection that is just being closed would cost an attempt.
    configuration.maximumUsesPerConnection = 1
    client = HTTPClient(eventLoopGroupProvider: .shared(eventLoopGroup), configuration: configuration)
  }

  func shutdown() async throws { try await client.shutdown() }

  func send(
    method: String, path: String, headers: [(name: String, value: String)], body: [UInt8]?
  ) async throws -> AgentAnswer {
    var request = HTTPClientRequest(url: "https://\(endpoint.amphora.text):\(endpoint.port)\(path)")
    request.method = HTTPMethod(rawValue: method)
    request.headers = HTTPHeaders(headers.map { ($0.name, $0.value) })
    if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
    do {
      let response = try await client.execute(request, deadline: .now() + Self.maximumAttempt)
      let content = try await response.body.collect(upTo: Self.maximumAnswerBytes)
      return AgentAnswer(
        status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
        body: Array(content.readableBytesView))
    } catch {
      // A cancelled task surfaces as one of several errors of the HTTP client.
      try Task.checkCancellation()
      throw TransportFailure(
        reason: "\(error)", isShutDown: (error as? HTTPClientError) == HTTPClientError.alreadyShutdown)
    }
  }

  private static func tls(_ credentials: ControllerCredentials) throws(CredentialError) -> TLSConfiguration {
    let identity: (key: PrivateKey, certificate: X509Certificate, others: [X509Certificate])
    do { identity = try PEMBundle(pem: credentials.clientPEM.utf8).identity() } catch { throw .client(error) }
    let authorities: [X509Certificate]
    do { authorities = try PEMBundle(pem: credentials.serverCAPEM.utf8).certificates } catch { throw .serverCA(error) }
    guard !authorities.isEmpty else { throw .serverCA(.noCertificate) }
    do {
      var tls = TLSConfiguration.makeClientConfiguration()
      tls.minimumTLSVersion = .tlsv12
      tls.certificateVerification = .fullVerification
      tls.trustRoots = .certificates(try authorities.map { try NIOSSLCertificate(bytes: $0.der, format: .der) })
      tls.certificateChain = try ([identity.certificate] + identity.others).map {
        .certificate(try NIOSSLCertificate(bytes: $0.der, format: .der))
      }
      let key = try identity.key.pem(.pkcs8)
      tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem))
      return tls
    } catch {
      throw .tls("\(error)")
    }
  }
}
