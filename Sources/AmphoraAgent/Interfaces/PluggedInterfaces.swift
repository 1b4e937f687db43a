// The list that lets a reboot find the NICs of the namespace again: one line `MAC NAME` for each (contract networking §1.4).

package import Addresses
package import Files

/// Which NIC goes into the namespace under which name.
///
/// Upstream only appends to the list. Here it is rewritten as a whole: MAC addresses in lower case, because the boot
/// compares texts; one line per MAC address and one MAC address per name, the later plug winning (N12).
package struct PluggedInterfaces: Hashable, Sendable {
  /// A line of the list.
  package struct Entry: Hashable, Sendable {
    /// The NIC.
    package let mac: MACAddress
    /// Its name in the namespace.
    package let name: InterfaceName
  }

  /// In the order of plugging.
  package private(set) var entries: [Entry] = []

  /// An empty list.
  package init() {}

  /// Parses a list.
  ///
  /// Lines that are no `MAC NAME` are dropped: the boot could not use them either.
  ///
  /// Upstream appends, and leaves the lines of detached NICs. So of two lines with one name the later is the NIC that has
  /// it now, and with `present` given, lines of NICs that are nowhere do not count at all.
  package init(text: some StringProtocol, present: Set<MACAddress>? = nil) {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      guard words.count == 2, let mac = MACAddress(words[0]), let name = InterfaceName(words[1]),
        present?.contains(mac) ?? true
      else { continue }
      record(mac, as: name)
    }
  }

  /// Notes that a NIC has a name now; former lines of either go.
  package mutating func record(_ mac: MACAddress, as name: InterfaceName) {
    if entries.contains(where: { $0.mac == mac && $0.name == name }) { return }
    entries.removeAll { $0.mac == mac || $0.name == name }
    entries.append(Entry(mac: mac, name: name))
  }

  /// The name that a NIC shall have in the namespace.
  package func name(of mac: MACAddress) -> InterfaceName? { entries.first { $0.mac == mac }?.name }

  /// The list as a text, a line end after each entry.
  package var text: String { entries.map { "\($0.mac) \($0.name)\n" }.joined() }
}

extension PluggedInterfaces {
  /// Reads a list; a missing file is an empty one.
  package init(path: String, present: Set<MACAddress>? = nil) {
    self.init(text: FileRead.text(path) ?? "", present: present)
  }

  /// Writes the list durably, unless the file holds exactly this text.
  package func write(to path: String) throws(DurableFile.Failure) {
    if FileRead.text(path) == text { return }
    try DurableFile.createDirectory(String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)), mode: 0o755)
    try DurableFile.write(Array(text.utf8), to: path, mode: 0o644)
  }
}
