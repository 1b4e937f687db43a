// The packet filter of SR-IOV ports, which bypass Neutron's security groups (contract networking §6).

package import Files

/// The ruleset `table inet amphora_table`, on disk and in the namespace of the calling thread; blocks.
package struct VIPFirewall: Sendable {
  /// Why the filter is not as wanted.
  package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// nft could not be run, or refused the rules; those that were loaded before stay in force.
    case nft(ProcessFailure)
    /// The rules could not be stored or read.
    case file(DurableFile.Failure)

    /// For logs and answers.
    package var description: String {
      switch self {
      case .nft(let failure): "firewall rules: \(failure)"
      case .file(let failure): "firewall rules: \(failure)"
      }
    }
  }

  /// The rules that a boot loads.
  package let file: String
  /// nft(8).
  package let nft: String

  // Well below the 60 s after which the controller repeats a request.
  private static let patience: Duration = .seconds(15)

  /// Names the file and the program.
  package init(file: String, nft: String) {
    self.file = file
    self.nft = nft
  }

  /// Loads the stored rules, or ones that let nothing in when there are none yet.
  ///
  /// Called before the link of an SR-IOV port comes up. Upstream's agent writes the file in place, so that a crash may have
  /// left any beginning of it.
  /// - Returns: why the stored rules are not in force, when nft refused them and ones that let nothing in are instead.
  @discardableResult
  package func guardPort() throws(Failure) -> Failure? {
    // An empty file, or one cut early, loads well and filters nothing.
    if FileRead.text(file)?.contains("policy drop;") != true { try store(Array(Self.closed.utf8)) }
    do throws(Failure) {
      try load()
      return nil
    } catch {
      // The file stays for whoever looks for the reason; the controller's next rules replace it.
      do throws(Failure) { try run(["-f", "-"], input: Self.closed) } catch _ { throw error }
      return error
    }
  }

  /// Lets in what the rules say and nothing else; a change is one transaction, and open connections go on.
  ///
  /// On failure file and filter are as before.
  package func allow(_ rules: [VIPRule]) throws(Failure) {
    let text = Self.ruleset(rules)
    // Asked first: what is stored is loaded by the next boot, so it must be good.
    try run(["-c", "-f", "-"], input: text)
    let former = try? FileRead.bytes(file)
    do throws(Failure) {
      // The rename may have happened when this fails.
      try store(Array(text.utf8))
      try load()
    } catch {
      if let former { try? store(former) } else { try? DurableFile.remove(file) }
      throw error
    }
  }

  private func store(_ bytes: [UInt8]) throws(Failure) {
    do throws(DurableFile.Failure) {
      try DurableFile.createDirectory(DurableFile.split(file).folder, mode: 0o755)
      try DurableFile.write(bytes, to: file, mode: 0o600)
    } catch {
      throw .file(error)
    }
  }

  private func load() throws(Failure) {
    // Without -o, with which nft 1.0.6 refuses rules that are there twice ("File exists"), as two listeners may have them.
    try run(["-f", file])
  }

  private func run(_ arguments: [String], input: String = "") throws(Failure) {
    do throws(ProcessFailure) {
      try NamespaceProcess.run(nft, arguments, input: input, within: Self.patience)
    } catch {
      throw .nft(error)
    }
  }
}

extension VIPFirewall {
  /// The table's name.
  static let table = "amphora_table"
  /// What every packet comes through.
  static let inputChain = "amphora_chain"
  /// What controllers' rules are in.
  static let ruleChain = "amphora_vip_chain"

  /// How many rules controllers have sent, as stored; nil when nothing usable is stored.
  var storedRuleCount: Int? {
    guard let text = FileRead.text(file), text.contains("policy drop;") else { return nil }
    let lines = text.split(separator: "\n").map { $0.trimmingPrefix { $0 == " " || $0 == "\t" } }
    guard let start = lines.firstIndex(where: { $0.hasPrefix("chain \(Self.ruleChain)") }) else { return 0 }
    return lines[(start + 1)...].prefix { $0 != "}" }.count
  }

  /// Before the first rules: nothing comes in but what the network itself needs.
  static let closed = head + chain("", "") + "}\n"

  /// The ruleset for some rules; it replaces whatever the table held.
  static func ruleset(_ rules: [VIPRule]) -> String {
    let own = """
          ct state vmap { established : accept, related : accept, invalid : drop }
          iif lo accept
          ip saddr 127.0.0.0/8 drop
          ip6 saddr ::1 drop

      """
    let lines = rules.map { "    \($0.text)\n" }.joined()
    return head + chain(own, "    iifname \(InterfaceName.vipPort) goto amphora_vip_chain\n")
      + "  chain amphora_vip_chain {\n\(lines)  }\n}\n"
  }

  /// A table is declared before it is deleted, since deleting an absent one fails.
  private static let head =
    "table inet amphora_table {}\ndelete table inet amphora_table\ntable inet amphora_table {\n"

  /// The input chain: what precedes and what follows the lines that are always there.
  private static func chain(_ first: String, _ last: String) -> String {
    """
      chain amphora_chain {
        type filter hook input priority filter; policy drop;
    \(first)    icmp type destination-unreachable accept
        icmpv6 type { nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert, packet-too-big, \
    destination-unreachable } accept
        udp sport 67 udp dport 68 accept
        udp sport 547 udp dport 546 accept
    \(last)  }

    """
  }
}
