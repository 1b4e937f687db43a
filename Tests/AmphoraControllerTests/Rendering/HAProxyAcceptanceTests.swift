// The installed haproxy must accept what we render.

import AmphoraCrypto
import Foundation
import Testing

@testable import AmphoraController

@Suite(
  .enabled(if: HAProxyProcess.path != nil, "haproxy is not installed"),
  .enabled(if: !VectorFolder.all.isEmpty, "no vectors at \(VectorFolder.path); set AMPHORA_VECTORS"))
struct HAProxyAcceptanceTests {
  @Test(arguments: VectorFolder.all)
  func `haproxy accepts the rendering of a vector that names no certificate files`(vector: Vector) throws {
    let document = try vector.document()
    guard let text = try ConfigurationFiles.render(document)["haproxy.cfg"], !text.contains(".pem") else { return }
    let complaint = try HAProxyProcess.complaint(about: text, peer: peer(of: document))
    #expect(complaint == nil)
  }

  @Test(.enabled(if: HAProxyProcess.opensslPath != nil, "openssl is not installed"))
  func `haproxy accepts the renderings that name certificate files once these exist`() throws {
    let certificates = try DummyCertificates()
    let folder = try TemporaryFolder()
    var count = 0
    for vector in VectorFolder.all {
      var document = try vector.document()
      document.context.options.baseCertificateFolder = try #require(FolderPath(rawValue: folder.path) as FolderPath?)
      guard let text = try ConfigurationFiles.render(document)["haproxy.cfg"], text.contains(".pem") else { continue }
      try certificates.writeFiles(for: text, below: folder)
      let complaint = try HAProxyProcess.complaint(about: text, peer: peer(of: document))
      #expect(complaint == nil, "\(vector)")
      count += 1
    }
    #expect(count == 36, "the vectors' README speaks of 36 such files")
  }

  @Test(arguments: Departure.all.map(\.vector))
  func `haproxy refuses upstream's text where ours departs from it`(name: String) throws {
    let vector = try #require(VectorFolder.all.first { $0.name == name })
    let text = try #require(vector.expected()["haproxy.cfg"])
    let complaint = try HAProxyProcess.complaint(about: text, peer: peer(of: vector.document()))
    #expect(complaint != nil)
  }

  private func peer(of document: LoadBalancerDocument) -> String? {
    guard document.context.topology == .activeStandby else { return nil }
    return document.context.hostAmphoraID.map { PeerName.of(amphoraID: $0.rawValue) }
  }
}
