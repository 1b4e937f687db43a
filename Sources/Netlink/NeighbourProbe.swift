// Asking on the wire who has an address, past the kernel's table of neighbours: that one may hold what was true a minute
// ago, and says nothing of a second host with an address of our own.

package import Addresses
import CNetlink
import Glibc

/// A question to all stations of a link, who of them has an address.
package struct NeighbourQuestion: Hashable, Sendable {
  /// What is looked for.
  package let address: IPAddress
  /// Where.
  package let linkIndex: Int32
  /// The link's own Ethernet address.
  package let mac: MACAddress
  /// Who asks; nil asks as a host does that has no address yet.
  ///
  /// Networks that check the source of ARP let through the port's own addresses only.
  package let source: IPAddress?

  /// Makes a question; nil for a link without an Ethernet address, or a source of the other IP version.
  package init?(_ address: IPAddress, on link: Link, from source: IPAddress?) {
    guard let mac = link.macAddress, source.map({ $0.family == address.family }) ?? true else { return nil }
    self.address = address
    self.mac = mac
    self.source = source
    linkIndex = link.index
  }
}

/// ARP for IPv4, neighbour solicitation for IPv6, in the calling thread's namespace; blocks.
package enum NeighbourProbe {
  /// Asks all questions, twice, and listens.
  ///
  /// Same as `arping -D` and `ndisc6`.
  ///
  /// - Parameters:
  ///   - patience: how long to listen.
  ///   - endsWhenAnswered: whether it ends as soon as each question has an answer; else all who answer are found.
  /// - Returns: for each question that was answered, the stations that say so, never the asking link itself.
  package static func ask(
    _ questions: [NeighbourQuestion], patience: Duration, endsWhenAnswered: Bool
  ) throws(NetlinkError) -> [NeighbourQuestion: Set<MACAddress>] {
    var answers: [NeighbourQuestion: Set<MACAddress>] = [:]
    guard !questions.isEmpty else { return answers }
    let sockets = try ProbeSockets(families: Set(questions.map(\.address.family)))
    let start = ContinuousClock.now
    var isRepeated = false
    for question in questions { try sockets.send(question) }
    while true {
      // Once more at half time: one packet may get lost.
      if !isRepeated, ContinuousClock.now - start >= patience / 2 {
        isRepeated = true
        for question in questions where answers[question] == nil { try sockets.send(question) }
      }
      let left = start + (isRepeated ? patience : patience / 2) - .now
      if left <= .zero {
        if isRepeated { return answers }
        continue
      }
      for (answer, linkIndex) in sockets.receive(within: left) {
        for question in questions where question.address == answer.address {
          guard linkIndex == question.linkIndex, answer.mac != question.mac else { continue }
          answers[question, default: []].formUnion(answer.mac.map { [$0] } ?? [])
        }
      }
      if endsWhenAnswered, answers.count == questions.count { return answers }
    }
  }
}

/// The sockets that questions leave and answers come by.
///
/// Packet sockets for both IP versions: a raw ICMPv6 socket does not hear what is sent to all nodes while a link is just
/// coming up, and what the packet filter drops.
private struct ProbeSockets: ~Copyable {
  /// Sends all questions, and hears ARP when somebody asks for IPv4.
  private let packets: Int32
  /// Hears neighbour advertisements; -1 when nobody asks for IPv6.
  private let advertisements: Int32

  init(families: Set<IPAddress.Family>) throws(NetlinkError) {
    // Protocol 0 receives nothing.
    let packets = Self.open(families.contains(.v4) ? 0x0806 : 0)
    guard packets >= 0 else { throw NetlinkError("open", "packet socket", errno: errno) }
    let advertisements = families.contains(.v6) ? Self.open(0x86DD) : -1
    guard !families.contains(.v6) || advertisements >= 0 && Self.filter(advertisements) == 0 else {
      let error = errno
      close(packets)
      if advertisements >= 0 { close(advertisements) }
      throw NetlinkError("open", "packet socket for IPv6", errno: error)
    }
    self.packets = packets
    self.advertisements = advertisements
  }

  deinit {
    close(packets)
    if advertisements >= 0 { close(advertisements) }
  }

  private static func open(_ etherType: UInt16) -> Int32 {
    let flags = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    return socket(AF_PACKET, flags, Int32(etherType.bigEndian))
  }

  /// Lets neighbour advertisements through alone, so that a busy amphora's traffic is not copied to us; what came before
  /// is told apart when it is read.
  private static func filter(_ socket: Int32) -> Int32 {
    // linux/bpf_common.h: load a byte (0x30), compare it and go on or skip (0x15), end with so many bytes (0x06).
    var program = [
      sock_filter(code: 0x30, jt: 0, jf: 0, k: 20), sock_filter(code: 0x15, jt: 0, jf: 3, k: 58),
      sock_filter(code: 0x30, jt: 0, jf: 0, k: 54), sock_filter(code: 0x15, jt: 0, jf: 1, k: 136),
      sock_filter(code: 0x06, jt: 0, jf: 0, k: .max), sock_filter(code: 0x06, jt: 0, jf: 0, k: 0),
    ]
    return program.withUnsafeMutableBufferPointer { buffer in
      var whole = sock_fprog(len: UInt16(buffer.count), filter: buffer.baseAddress)
      return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &whole, socklen_t(MemoryLayout<sock_fprog>.size))
    }
  }

  borrowing func send(_ question: NeighbourQuestion) throws(NetlinkError) {
    var target = sockaddr_ll()
    target.sll_family = UInt16(AF_PACKET)
    target.sll_ifindex = question.linkIndex
    target.sll_halen = 6
    let frame = question.frame
    let sent = withUnsafePointer(to: &target) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(packets, frame, frame.count, 0, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
      }
    }
    // A full queue is a lost packet, as any on the way; it is asked twice.
    guard sent == frame.count || errno == ENOBUFS || errno == EAGAIN else {
      throw NetlinkError("ask for", "\(question.address) on link \(question.linkIndex)", errno: errno)
    }
  }

  /// What comes first, and all that is there by then, with its link.
  borrowing func receive(within limit: Duration) -> [(NeighbourAnswer, Int32)] {
    var entries = [pollfd(fd: packets, events: Int16(POLLIN), revents: 0)]
    if advertisements >= 0 { entries.append(pollfd(fd: advertisements, events: Int16(POLLIN), revents: 0)) }
    let (seconds, attoseconds) = limit.components
    // Rounded up, so that the last fraction of a millisecond is not spent spinning.
    _ = poll(&entries, nfds_t(entries.count), Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
    return read(packets) { NeighbourAnswer(arp: $0) }
      + (advertisements < 0 ? [] : read(advertisements) { NeighbourAnswer(advertisementFrame: $0) })
  }

  private borrowing func read(
    _ socket: Int32, _ parse: (ArraySlice<UInt8>) -> NeighbourAnswer?
  ) -> [(NeighbourAnswer, Int32)] {
    var found: [(NeighbourAnswer, Int32)] = []
    var buffer = [UInt8](repeating: 0, count: 2048)
    // Bounded, so that a storm of ARP does not outlive the deadline.
    for _ in 0..<256 {
      var from = sockaddr_ll()
      var length = socklen_t(MemoryLayout<sockaddr_ll>.size)
      let count = withUnsafeMutablePointer(to: &from) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(socket, &buffer, buffer.count, 0, $0, &length)
        }
      }
      guard count > 0 else { break }
      // Packet sockets also get what leaves; 4 is PACKET_OUTGOING.
      if from.sll_pkttype != 4, let answer = parse(buffer[..<count]) { found.append((answer, from.sll_ifindex)) }
    }
    return found
  }
}
