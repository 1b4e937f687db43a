// The `peers` section of haproxy.cfg (contract §3.3): the haproxies of a pair that share their stick tables.

import AmphoraCrypto

/// The haproxies of a pair.
struct PeersSection {
  let input: HAProxyInput

  func write(to text: inout ConfigurationText) throws {
    guard input.isPair else { return }
    text.line("peers \(input.peersName)")
    for (index, amphora) in input.context.amphorae.enumerated() where amphora.status == .allocated {
      let address = try required(amphora.vrrpIP, "context.amphorae[\(index)].vrrp_ip", for: "a peer")
      text.entry("peer \(PeerName.of(amphoraID: amphora.id.rawValue)) \(address):1025")
    }
  }
}
