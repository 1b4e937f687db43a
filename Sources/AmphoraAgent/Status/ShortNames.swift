// UUIDs are too long for a table: eight characters tell nearly all apart.

/// A short name for each of a set of ids, one that no other has.
struct ShortNames: Sendable {
  private var names: [String: String] = [:]

  init(_ ids: some Sequence<String>) {
    let ids = Set(ids)
    for (prefix, group) in Dictionary(grouping: ids, by: { $0.prefix(8) }) {
      // Ids made by hand differ at the end.
      let tail = [4, 8, 12].first { tail in Set(group.map { $0.suffix(tail) }).count == group.count }
      for id in group {
        let isShort = group.count == 1 || id.count <= 13
        names[id] = isShort ? (group.count == 1 ? String(prefix) : id) : tail.map { "\(prefix)…\(id.suffix($0))" } ?? id
      }
    }
  }

  subscript(id: String) -> String { names[id] ?? id }
}
