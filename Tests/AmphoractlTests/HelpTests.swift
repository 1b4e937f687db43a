import Foundation
import Testing

@Suite struct HelpTests {
  /// Every command, by walking the lists of subcommands that --help prints.
  private func commands(_ program: ControlProgram) throws -> [[String]] {
    var (found, waiting): ([[String]], [[String]]) = ([], [[]])
    while let path = waiting.popLast() {
      let help = try program.finish(program.process(path + ["--help"])).output
      found.append(path)
      guard let list = help.range(of: "SUBCOMMANDS:\n") else { continue }
      for line in help[list.upperBound...].split(separator: "\n", omittingEmptySubsequences: false) {
        guard !line.isEmpty else { break }
        // Continuation lines of a description are indented further.
        guard line.hasPrefix("  "), !line.hasPrefix("   ") else { continue }
        waiting.append(path + [String(line.split(separator: " ")[0])])
      }
    }
    return found
  }

  @Test func `every command has help with an example`() throws {
    let program = try ControlProgram()
    let commands = try commands(program)
    for path in [
      "ca rotate", "ca rollover finish", "heartbeat decode", "amphora cert put", "amphora plug vip", "config",
    ] {
      #expect(commands.contains(path.split(separator: " ").map(String.init)), "\(path)")
    }
    for path in commands {
      let result = try program.finish(program.process(path + ["--help"]))
      #expect(result.status == 0)
      #expect(result.errors == "")
      #expect(result.output.contains("EXAMPLE: "), "\(path)")
      let hasOptions = result.output.contains("--config")
      #expect(!hasOptions || result.output.contains("--json"), "\(path)")
    }
  }

  @Test func `the exit codes are documented, and a wrong command line has status 2`() throws {
    let program = try ControlProgram()
    let help = try program.run("--help")
    for line in ["EXIT CODES", "0  done", "1  refused", "2  the command line", "3  an amphora did not answer"] {
      #expect(help.output.contains(line), "\(line)")
    }
    for arguments in [["nonsense"], ["render"], ["config", "--nonsense"], ["heartbeat", "listen", "--count", "0"]] {
      let result = try program.finish(program.process(arguments))
      #expect(result.status == 2, "\(arguments)")
      #expect(result.output == "")
      #expect(result.errors.hasPrefix("Error: "), "\(result.errors)")
    }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func `completion knows the subcommands`(shell: String) throws {
    let program = try ControlProgram()
    let result = try program.run("completion", shell)
    #expect(result.status == 0)
    for word in ["amphoractl", "rollover", "heartbeat", "decode"] { #expect(result.output.contains(word), "\(word)") }
    guard FileManager.default.isExecutableFile(atPath: "/bin/\(shell)") else { return }
    try program.write(result.output, "script")
    let check = try program.finish(program.process(["-n", "script"], program: "/bin/\(shell)"))
    #expect(check.status == 0, "\(check.errors)")
  }

  @Test func `failures are JSON with --json, and colours come only when wanted`() throws {
    let program = try ControlProgram()
    let json = try program.run("amphora", "info", "nobody", "--json")
    #expect(json.status == 2)
    #expect(json.output == "")
    let body = try #require(try JSONSerialization.jsonObject(with: Data(json.errors.utf8)) as? [String: Any])
    #expect((body["error"] as? String)?.contains("there is no amphora 'nobody'") == true)
    #expect(body["exit_code"] as? Int == 2)
    #expect(body["hint"] is String)
    let plain = try program.run("amphora", "info", "nobody", environment: ["TERM": "xterm"])
    #expect(plain.errors.hasPrefix("error: there is no amphora"))
    let colored = try program.run("amphora", "info", "nobody", "--color", "always", environment: ["NO_COLOR": "1"])
    #expect(colored.errors.hasPrefix("\u{1B}[31merror:\u{1B}[0m "))
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script(1)"),
    arguments: [([:], true), (["NO_COLOR": "1"], false), (["NO_COLOR": ""], true), (["TERM": "dumb"], false)])
  func `on a terminal there are colours, unless NO_COLOR or the terminal says no`(
    environment: [String: String], isColored: Bool
  ) throws {
    let program = try ControlProgram()
    let process = program.process(
      ["-qec", "\(ControlProgram.path) config", "/dev/null"],
      environment: ["TERM": "xterm"].merging(environment) { $1 }, program: "/usr/bin/script")
    #expect(try program.finish(process).output.contains("\u{1B}[1m") == isColored)
  }

  @Test func `an amphora that is not there has status 3`() throws {
    let program = try ControlProgram()
    #expect(try program.run("ca", "init", environment: ["AMPHORA_PASSPHRASE": "p"]).status == 0)
    // Port 1 of loopback: nobody listens.
    let result = try program.run(
      "amphora", "info", "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8@127.0.0.1:1", "--set", "attempts=1")
    #expect(result.status == 3)
    #expect(result.errors.contains("did not answer GET /1.0/info in 1 attempt"), "\(result.errors)")
    let credentials = try program.run(
      "amphora", "info", "6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8@127.0.0.1:1", "--set", "server_ca=none.pem")
    #expect(credentials.status == 2)
    #expect(credentials.errors.contains("none.pem") && credentials.errors.contains("server_ca (command line)"))
  }
}
