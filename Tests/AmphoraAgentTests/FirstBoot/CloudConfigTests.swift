// The cloud-configs that controllers send, and others.

import Glibc
import Testing

@testable import AmphoraAgent

@Suite struct CloudConfigTests {
  private func read(_ text: String) -> (CloudConfig, [String]) {
    var report = BootReport()
    let config = CloudConfig(Array(text.utf8), report: &report)
    return (config, report.problems)
  }

  private func texts(_ config: CloudConfig) -> [String: String] {
    Dictionary(
      config.files.map { ($0.path.description, String(decoding: $0.content, as: UTF8.self)) }, uniquingKeysWith: { $1 })
  }

  @Test func `a controller's usual document orders a restart and the time zone`() {
    // Contract image §4.1; in the form of Octavia 19's template, with its comments and empty lines.
    let (config, problems) = read(
      "#cloud-config\n# vim: syntax=yaml\n#\n# Example:\n#     {'/root/path': 'I'm a file'}\n\n"
        + "runcmd:\n-   systemctl restart rsyslog\n\n\ntimezone: UTC")
    #expect(problems.isEmpty)
    #expect(config.commands == [.shell("systemctl restart rsyslog")])
    #expect(config.timeZone?.text == "UTC")
    #expect(config.files.isEmpty)
  }

  @Test func `a controller's deprecated mode brings the four files as blocks`() {
    let (config, problems) = read(
      """
      #cloud-config
      # vim: syntax=yaml
      #
      #     {'/root/path': 'I'm a file'}
      write_files:
      -   path: /etc/octavia/certs/server.pem
          content: |
              -----BEGIN CERTIFICATE-----
              MIIB
              -----END CERTIFICATE-----

      -   path: /etc/octavia/certs/client_ca.pem
          content: |
              CA

      -   path: /etc/octavia/amphora-agent.conf
          content: |
      \("        ")
              [DEFAULT]
              debug = False

              [health_manager]
              controller_ip_port_list = 192.0.2.1:5555, [2001:db8::1]:5555
              heartbeat_key = a&amp;b # c
      -   path: /etc/rsyslog.d/10-rsyslog.conf
          content: |
      \("        ")
      runcmd:
      -   systemctl restart rsyslog
      -   service amphora-agent restart

      timezone: UTC
      """)
    #expect(problems.isEmpty)
    #expect(
      texts(config) == [
        "/etc/octavia/certs/server.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "/etc/octavia/certs/client_ca.pem": "CA\n",
        "/etc/octavia/amphora-agent.conf":
          "\n[DEFAULT]\ndebug = False\n\n[health_manager]\n"
          + "controller_ip_port_list = 192.0.2.1:5555, [2001:db8::1]:5555\nheartbeat_key = a&amp;b # c\n",
        "/etc/rsyslog.d/10-rsyslog.conf": "",
      ])
    #expect(config.commands == [.shell("systemctl restart rsyslog"), .shell("service amphora-agent restart")])
    #expect(config.timeZone?.text == "UTC")
  }

  @Test func `every form of file, command and user that is known is read`() {
    let (config, problems) = read(
      """
      #cloud-config \t
      ---
      "write_files":  # a comment
        - path: "/a"
          content: 'it''s: "a"'
          owner: root:root
          permissions: '0600'
          defer: true
          append: false
        -
          content: ""
          path: /b
      runcmd:
        - [ systemctl, restart, "a b", 'c' ]
        - - ls
          - -l
        - |
          a
          b
        - >-
          one
          line
        -
      users:
        - default
        - name: operator
          ssh_authorized_keys: [ssh-rsa AAAA x]
      bootcmd: ~
      """)
    #expect(problems.isEmpty)
    #expect(texts(config) == ["/a": "it's: \"a\"", "/b": ""])
    #expect(config.files.first?.mode == 0o600)
    #expect(config.files.first?.owner == "root:root")
    #expect(
      config.commands == [
        .arguments(["systemctl", "restart", "a b", "c"]), .arguments(["ls", "-l"]), .shell("a\nb\n"),
        .shell("one line"),
      ])
    #expect(config.keys.map(\.user) == ["operator"])
    #expect(config.keys.first?.keys.map(\.line) == ["ssh-rsa AAAA x"])
  }

  @Test(
    arguments: [
      ("#!/bin/sh\ntrue\n", "user_data: is a script; put its commands under runcmd of a cloud-config"),
      ("\u{1F}", "user_data: does not begin with the line #cloud-config"),
      ("Content-Type: multipart/mixed\n", "user_data: does not begin with the line #cloud-config"),
      ("#cloud-config-archive\n- a\n", "user_data: does not begin with the line #cloud-config"),
      ("runcmd: [a]\n#cloud-config\n", "user_data: does not begin with the line #cloud-config"),
    ])
  func `what is no cloud-config is refused as a whole`(_ text: String, _ problem: String) {
    let (config, problems) = read(text)
    #expect(problems == [problem])
    #expect(config.commands.isEmpty && config.files.isEmpty)
  }

  @Test func `compressed data is refused by its first bytes`() {
    var report = BootReport()
    _ = CloudConfig([0x1F, 0x8B, 8, 0, 0], report: &report)
    #expect(report.problems == ["user_data: is compressed (gzip); a plain cloud-config is wanted"])
  }

  @Test func `no data is no problem`() {
    let (config, problems) = read("")
    #expect(problems.isEmpty && config.files.isEmpty)
  }

  @Test(
    arguments: [
      ("packages: [vim]", "user_data: 'packages' is not known here, and left out"),
      ("packages: &a [vim]", "user_data: line 2: has an anchor ('&'), which is not read"),
      ("runcmd:\n\t- a", "user_data: line 3: is indented with a tab; YAML wants spaces"),
      ("runcmd: a", "user_data: runcmd is no list"),
      ("runcmd:\n- {a: b}", "user_data: line 3: has a mapping in braces, which is not read; write it in lines"),
      ("runcmd:\n- []", "user_data: runcmd[0] is an empty command"),
      ("runcmd:\n- \"a\\0\"", "user_data: line 3: has an unknown escape after '\\' in double quotes"),
      ("runcmd:\n- \"a\\x00\"", "user_data: runcmd[0] has a NUL"),
      ("timezone: [a]", "user_data: timezone is no text"),
      (
        "users:\n- name: a\n  sudo: ALL",
        "user_data: users[0] has 'sudo', which is not known here; only ssh_authorized_keys count"
      ),
      ("users:\n- other", "user_data: users[0] is no user that this program can make"),
      (
        "ssh_authorized_keys: [a b]",
        "user_data: ssh_authorized_keys[0] is no public key of the form 'ssh-ed25519 AAAA… comment'"
      ),
      ("- a", "user_data: is no mapping"),
      ("write_files: []\ntimezone: UTC\ntimezone: UTC", "user_data: timezone is there twice; the first counts"),
    ])
  func `a bad part is told and leaves the others`(_ part: String, _ problem: String) {
    let (config, problems) = read("#cloud-config\n\(part)\nwrite_files:\n- path: /etc/octavia/a\n  content: x\n")
    let isList = part.hasPrefix("write_files")
    #expect(problems == [problem] + (isList ? ["user_data: write_files is there twice; the first counts"] : []))
    #expect(texts(config) == (isList ? [:] : ["/etc/octavia/a": "x"]))
  }

  @Test(
    arguments: [
      ("path: etc/x", "path is 'etc/x', which is no absolute path"),
      ("path: /etc/../x", "path is '/etc/../x'; '.', '..' and parts longer than 255 bytes are refused"),
      ("path: /etc/./x", "path is '/etc/./x'; '.', '..' and parts longer than 255 bytes are refused"),
      ("path: /etc/", "path is '/etc/', which is a folder"),
      ("path: /", "path is '/', which is a folder"),
      ("path: \"/a\\x00b\"", "path is '/a?b', which is too long or has control characters"),
      ("path: [a]", "path is no text"),
      ("content: x", "has no 'path'"),
      ("path: /a\n  permissions: rwx", "permissions is 'rwx', no octal mode such as '0600'"),
      ("path: /a\n  permissions: '0888'", "permissions is '0888', no octal mode such as '0600'"),
      ("path: /a\n  permissions: '77777'", "permissions is '77777', no octal mode such as '0600'"),
      ("path: /a\n  encoding: gz+b64\n  content: a", "encoding is 'gz+b64'; known are text/plain, b64 and base64"),
      ("path: /a\n  encoding: b64\n  content: '%'", "content is no base64"),
      ("path: /a\n  append: true\n  content: a", "append is not supported; the file /a is not written"),
      ("path: /a\n  source: [u]", "source is not supported: nothing is downloaded"),
      ("path: /a\n  content: [a]", "content is no text"),
    ])
  func `a bad file is told by its field and leaves the next`(_ file: String, _ problem: String) {
    let (config, problems) = read("#cloud-config\nwrite_files:\n- \(file)\n- path: /b\n  content: x\n")
    let dot = problem.hasPrefix("has ") ? " " : "."
    #expect(problems == ["user_data: write_files[0]\(dot)\(problem)"])
    #expect(texts(config) == ["/b": "x"])
  }

  @Test func `an unknown key of a file is told, and the file is written`() {
    let (config, problems) = read("#cloud-config\nwrite_files:\n- path: /b\n  content: x\n  colour: red\n")
    #expect(problems == ["user_data: write_files[0] has 'colour', which is not known here"])
    #expect(texts(config) == ["/b": "x"])
  }
}
