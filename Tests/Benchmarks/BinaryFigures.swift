// What can be said of the binary without running it.

import AmphoraAgent
import AmphoraLab
import Files

/// Size, libraries and symbols of the agent.
struct BinaryFigures {
  let agent: String

  /// The only libraries that the image must bring (and the kernel's and the loader's own).
  private static let allowed = [
    "libc.so", "libm.so", "libstdc++.so", "libgcc_s.so", "libssl.so", "libcrypto.so", "libnl-3.so", "libnl-route-3.so",
    "libz.so", "ld-linux-x86-64.so", "ld-linux-aarch64.so", "linux-vdso.so",
  ]

  func measure(into table: inout FigureTable) async throws {
    let size = try FileRead.size(agent)
    table.add("binary, stripped", Double(size) / 1_000_000, "MB", budget: 36)

    let needed = try await Command.run("readelf", ["-d", agent]).output.split(separator: "\n").compactMap { line in
      line.contains("(NEEDED)") ? line.split(separator: "[").last.map { String($0.prefix { $0 != "]" }) } : nil
    }
    let others = needed.filter { library in !Self.allowed.contains { library.hasPrefix($0) } }
    if !others.isEmpty { print("libraries that should not be needed: \(others.joined(separator: ", "))") }
    table.add("libraries beyond those of the image", Double(others.count), "", budget: 0)

    // Stripped of its symbol table, the names of linked modules remain in metadata and strings.
    let strings = try await Command.run(
      "/bin/sh", ["-c", "grep -c FoundationInternationalization \"$1\" || true", "sh", agent])
    table.add(
      "lines with FoundationInternationalization", Double(strings.output.filter(\.isNumber)) ?? -1, "", budget: 0)
  }
}
