import Foundation
import Testing

@Suite struct ConfigTests {
  private func settings(_ result: ProgramResult) throws -> [String: (value: String?, origin: String)] {
    let json = try #require(try result.json() as? [String: Any], "\(result.errors)")
    let entries = try #require(json["settings"] as? [[String: Any]])
    return Dictionary(
      try entries.map {
        (try #require($0["key"] as? String), ($0["value"] as? String, try #require($0["origin"] as? String)))
      }, uniquingKeysWith: { $1 })
  }

  @Test func `file, environment and command line override each other in this order`() throws {
    let program = try ControlProgram()
    try program.write(
      """
      # ours
      attempts: 4
      port: 1111
      pause: 9
      certificates: certs
      """, "home/.config/amphora/config.yaml")
    let file = program.file("home/.config/amphora/config.yaml")
    let all = try settings(
      program.run(
        "config", "--json", "--set", "pause=0", "--set", "pause=1",
        environment: ["AMPHORA_PORT": "2222", "AMPHORA_PAUSE": "5", "AMPHORA_STATE": "~/state"]))
    #expect(try #require(all["attempts"]) == ("4", "\(file):2"))
    #expect(try #require(all["port"]) == ("2222", "environment AMPHORA_PORT"))
    #expect(try #require(all["pause"]) == ("1", "command line"))
    #expect(try #require(all["read_timeout"]) == ("60", "default"))
    #expect(try #require(all["state"]) == (program.file("home/state"), "environment AMPHORA_STATE"))
    // A relative path of the file counts from the file, and defaults follow it.
    let folder = program.file("home/.config/amphora/certs")
    #expect(try #require(all["certificates"]) == (folder, "\(file):5"))
    #expect(try #require(all["server_ca"]) == ("\(folder)/server_ca.pem", "default"))
    #expect(try #require(all["passphrase_file"]) == (nil, "default"))
  }

  @Test func `XDG_CONFIG_HOME, AMPHORA_CONFIG and --config name the file`() throws {
    let program = try ControlProgram()
    let xdg = program.file("xdg")
    try program.write("attempts: 5", "xdg/amphora/config.yaml")
    try program.write("attempts: 6", "env.yaml")
    try program.write("attempts: 7", "flag.yaml")
    let environment = ["XDG_CONFIG_HOME": xdg, "AMPHORA_CONFIG": program.file("env.yaml")]
    #expect(
      try settings(program.run("config", "--json", environment: ["XDG_CONFIG_HOME": xdg]))["attempts"]?.value == "5")
    #expect(try settings(program.run("config", "--json", environment: environment))["attempts"]?.value == "6")
    let flag = try program.run("config", "--json", "--config", "flag.yaml", environment: environment)
    #expect(try settings(flag)["attempts"]?.value == "7")
    let missing = try program.run("config", "--config", "none.yaml")
    #expect(missing.status == 2)
    #expect(missing.errors == "error: none.yaml: No such file or directory\n")
  }

  @Test func `amphorae are listed, and secrets are not`() throws {
    let program = try ControlProgram()
    try program.write(
      """
      amphorae:
        web-1: {id: 6e8fd3b6-0c0b-44b8-91ad-7d1e4d4ed9c8, address: 192.0.2.10}
        web-2:
          id: 0f5c9a52-11d4-4e0c-9df4-0b8f6f2a6d11
          address: "fe80::1%eth0"
          port: 9444
      """, "c.yaml")
    let secrets = ["AMPHORA_PASSPHRASE": "s3cret", "AMPHORA_HEARTBEAT_KEY": "k3y"]
    let text = try program.run("config", "--config", "c.yaml", environment: secrets)
    #expect(text.status == 0)
    for part in ["web-1", "192.0.2.10", "9443", "fe80::1%eth0", "9444", "environment AMPHORA_PASSPHRASE"] {
      #expect(text.output.contains(part), "\(part)")
    }
    let json = try program.run("config", "--config", "c.yaml", "--json", environment: secrets)
    for output in [text.output, json.output] { #expect(!output.contains("s3cret") && !output.contains("k3y")) }
  }

  @Test(arguments: [
    ("attempts: 4\nheartbeet: 1", "c.yaml:2: unknown key 'heartbeet'"),
    ("port: 70000", "c.yaml:1: port is '70000', it must be an integer from 1 to 65535"),
    ("port: [1]", "c.yaml:1: port must have one value"),
    ("- a", "c.yaml:1: must be keys with values"),
    ("a: b: c", "c.yaml: is not YAML"),
    ("amphorae:\n  a: {id: x y, address: 192.0.2.1}", "c.yaml:2: amphora 'a': id"),
    ("amphorae:\n  a: {id: x, address: host}", "c.yaml:2: amphora 'a': address is missing or is no IP address: host"),
    ("amphorae:\n  a: {id: x, address: 192.0.2.1, prot: 1}", "c.yaml:2: amphora 'a': unknown key 'prot'"),
    (
      "amphorae:\n  a: {id: x, address: 192.0.2.1}\n  b: {id: x, address: 192.0.2.2}",
      "c.yaml:3: amphora 'b' has the id of 'a'"
    ),
  ])
  func `a wrong file is named with its line`(text: String, message: String) throws {
    let program = try ControlProgram()
    try program.write(text, "c.yaml")
    let result = try program.run("config", "--config", "c.yaml")
    #expect(result.status == 2)
    #expect(result.errors.hasPrefix("error: \(message)"), "\(result.errors)")
    #expect(result.output == "")
  }

  @Test func `wrong values elsewhere are named with their place`() throws {
    let program = try ControlProgram()
    let environment = try program.run("config", environment: ["AMPHORA_PORT": "x"])
    #expect(environment.status == 2)
    #expect(environment.errors.contains("environment variable AMPHORA_PORT: port is 'x'"))
    for (text, part) in [
      ("port", "must be KEY=VALUE"), ("prt=1", "there is no setting 'prt'"), ("port=0", "--set port"),
    ] {
      let result = try program.run("config", "--set", text)
      #expect(result.status == 2)
      #expect(result.errors.contains(part), "\(result.errors)")
    }
  }

  @Test func `an empty file is no error`() throws {
    let program = try ControlProgram()
    try program.write("", "c.yaml")
    #expect(try program.run("config", "--config", "c.yaml").status == 0)
    try program.write("# nothing\namphorae:\n", "c.yaml")
    #expect(try program.run("config", "--config", "c.yaml").status == 0)
  }
}
