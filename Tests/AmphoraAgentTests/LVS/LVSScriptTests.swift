import Files
import Glibc
import Testing

@testable import AmphoraAgent

/// The scripts of contract services §3.5 and §6.2, run as keepalived runs them.
@Suite struct LVSScriptTests {
  private let folder: LabFolder

  init() throws {
    folder = try LabFolder()
    folder.folder("lvs")
  }

  private func check() async throws -> Int32 {
    try LVSScripts.installVRRPCheck(folder.paths)
    return try await Command.run("/bin/bash", [folder.paths.lvsCheckScript]).status
  }

  private func pid(_ name: String, _ text: String) throws {
    try folder.write("lvs/octavia-keepalivedlvs-11111111-2222-4333-8444-555555555555\(name)", text)
  }

  @Test func `a pair's check fails for a keepalived that crashed, and only for that`() async throws {
    #expect(try await check() == 0, "no listener")
    try pid(".conf", "")
    folder.folder("lvs/check")
    #expect(try await check() == 0, "one that is stopped has no pid file")
    let keepalived = try folder.startSleeper(named: "keepalived")
    try pid(".pid", "\(keepalived)\n")
    try pid(".vrrp.pid", "4194304\n")
    try pid(".check.pid", "4194304\n")
    #expect(try await check() == 0, "its children's files do not count")
    try await folder.stopOffPool(keepalived)
    #expect(try await check() == 1)
    let other = try folder.startSleeper(named: "other")
    try pid(".pid", "\(other)\n")
    #expect(try await check() == 1, "another program has its number")
    try pid(".pid", "")
    #expect(try await check() == 0, "it is just being written")
  }

  @Test func `a pair's check fails for a unit that has failed, unless a controller stopped it`() async throws {
    try pid(".conf", "")
    let programs = folder.folder("programs")
    let unit = "octavia-keepalivedlvs-11111111-2222-4333-8444-555555555555.service"
    let failed = "#!/bin/sh\n[ \"$*\" = 'is-failed --quiet \(unit)' ]\n"
    try DurableFile.write(Array(failed.utf8), to: "\(programs)/systemctl", mode: 0o755)
    var paths = folder.paths
    paths.runtime = folder.folder("run")
    try LVSScripts.installVRRPCheck(paths)
    let words = ["PATH=\(programs):/usr/bin:/bin", "/bin/bash", paths.lvsCheckScript]
    #expect(try await Command.run("/usr/bin/env", words).status == 1)
    try StopOrders(paths: paths).add(unit)
    #expect(try await Command.run("/usr/bin/env", words).status == 0)
  }

  @Test func `the check of a member is nc's, with the option that this nc knows`() async throws {
    try LVSScripts.installMemberCheck(folder.paths)
    #expect(FileRead.text(folder.paths.memberCheckScript)?.hasPrefix("#!/bin/bash\n") == true)
    let programs = folder.folder("programs")
    for (version, limit, status) in [
      ("Ncat: Version 7.93 ( https://nmap.org/ncat )", "-i1", 1), ("nc: invalid option", "-w1", 0),
    ] {
      let script = """
        #!/bin/sh
        [ "$1" = --version ] && { echo '\(version)'; exit 1; }
        echo "$@" >> '\(folder.path)/calls'; echo noise
        exit \(status)

        """
      try DurableFile.write(Array(script.utf8), to: "\(programs)/nc", mode: 0o755)
      let result = try await Command.run(
        "/usr/bin/env", ["PATH=\(programs):/usr/bin:/bin", folder.paths.memberCheckScript, "192.0.2.21", "53"])
      #expect(result.status == status && result.output.isEmpty)
      #expect(FileRead.text("\(folder.path)/calls") == "-uzv \(limit) 192.0.2.21 53\n")
      try DurableFile.remove("\(folder.path)/calls")
    }
  }

  @Test func `lost and altered scripts come back, and whole ones stay`() throws {
    let paths = folder.paths
    for (path, install) in [
      (paths.memberCheckScript, LVSScripts.installMemberCheck), (paths.lvsCheckScript, LVSScripts.installVRRPCheck),
    ] {
      try install(paths)
      let text = try #require(FileRead.text(path))
      var before = stat()
      #expect(stat(path, &before) == 0 && before.st_mode & 0o7777 == 0o755)
      try install(paths)
      var after = stat()
      #expect(stat(path, &after) == 0 && after.st_ino == before.st_ino, "not written again")
      try DurableFile.write(Array("exit 0\n".utf8), to: path, mode: 0o100)
      try install(paths)
      #expect(FileRead.text(path) == text)
      try DurableFile.remove(path)
      try install(paths)
      #expect(FileRead.text(path) == text)
    }
  }
}
