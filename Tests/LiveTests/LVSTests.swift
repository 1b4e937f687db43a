// UDP and SCTP listeners up to the kernel: upload, actions, delete, listing, heartbeat, restarts of agent and machine
// (contract agent-api §3.6b, §3.7b, §3.8, §3.9; services §5).

import AmphoraAgent
import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(2))) struct LVSTests {
  private static let ok = #"{"message": "OK"}"#

  @Test func `an upload stores configuration and check and starts nothing`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      for text in [listener.configuration(), listener.configuration("ü"), listener.withoutPool] {
        try expect(
          await listener.upload(text), 200, Self.ok, eTag: Digest.hex(Digest.md5(Array(text.utf8))))
        #expect(amphora.text("\(listener.stem).conf") == text)
        #expect(amphora.mode("\(listener.stem).conf") == "644")
        let stored = try await amphora.send("GET", "/1.0/listeners/\(listener.id)/udp_listener")
        #expect(stored.status == 200 && stored.text == text)
        #expect(stored.header("Content-Type") == "text/plain; charset=UTF-8")
        #expect(stored.header("ETag") == nil)
      }
      #expect(amphora.names(in: LVSListener.folder) == ["check", "octavia-keepalivedlvs-\(listener.id).conf"])
      #expect(amphora.mode("\(LVSListener.folder)/check/udp_check.sh") == "755")
      try await amphora.expectNone("keepalived")
      #expect(!amphora.exists("/var/lib/octavia/vrrp"), "SINGLE has no checks of a pair")
      #expect(try await listener.listed() == "OFFLINE UDP")
      let details = try await amphora.client.details()
      #expect(details.lvsListenerProcessCount == 0 && details.listeners == [listener.id.text])
      // A lost script comes back.
      _ = try await amphora.run("/bin/rm -r \(LVSListener.folder)/check")
      #expect(try await listener.upload(listener.configuration()).status == 200)
      #expect(amphora.mode("\(LVSListener.folder)/check/udp_check.sh") == "755")
    }
  }

  @Test func `what keepalived cannot use is 400 with its words, and the former file stays`() async throws {
    try await withAmphora { amphora in
      let (known, unknown) = (LVSListener(amphora: amphora), LVSListener(amphora: amphora))
      let good = known.configuration()
      #expect(try await known.upload(good).status == 200)
      let whole = known.configuration(servers: LVSListener.server(known.members[0]))
      // In the middle of a quoted word, which keepalived 2.2 crashes on.
      let cut = String(whole.prefix(whole.utf8.count - 60))
      for (bad, words) in [
        (String(good.dropLast(3)), "missing '}'"), ("\(good)}\n", "Extra '}'"), (cut, "missing '}'"),
      ] {
        for listener in [known, unknown] {
          let answer = try await listener.upload(bad)
          #expect(answer.status == 400, "\(words): \(answer.text)")
          #expect(try answer.json.string("message") == "Invalid request")
          #expect(try answer.json.string("details").contains(words), "\(answer.text)")
          #expect(amphora.text("\(listener.stem).conf.new-failed") == bad)
        }
        #expect(amphora.text("\(known.stem).conf") == good)
      }
      #expect(try await known.listed() == "OFFLINE UDP")
      #expect(try await unknown.listed() == nil)
      #expect(!amphora.exists("/var/lib/octavia/services/\(unknown.unit).json"))
      try expect(await unknown.delete(), 200, Self.ok)
      #expect(!amphora.exists("\(unknown.stem).conf.new-failed"))
      // What this keepalived only wonders about: a newer controller's word, a pool without members, and all that it knows.
      for text in ["some_newer_word\n" + good, good, whole] { #expect(try await known.upload(text).status == 200) }
      #expect(amphora.names(in: LVSListener.folder).filter { $0.hasSuffix(".new") } == [])
    }
  }

  @Test func `actions answer as the contract says, and a reload is a restart`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      func expectDone(_ action: String, _ word: String) async throws {
        try expect(
          await listener.control(action), 202,
          "{\"message\": \"OK\", \"details\": \"keepalivedlvs listener \(listener.id) \(word)\"}")
      }
      try expect(
        await listener.control("start"), 404,
        "{\"message\": \"Loadbalancer Not Found\", \"details\": \"No loadbalancer with UUID: \(listener.id)\"}")
      try expect(
        await amphora.send("GET", "/1.0/listeners/\(listener.id)/udp_listener"), 404,
        "{\"message\": \"UDP Listener Not Found\", \"details\": \"No UDP listener with UUID: \(listener.id)\"}")
      #expect(try await listener.upload(listener.configuration()).status == 200)
      try expect(
        await listener.control("Restart"), 400,
        #"{"message": "Invalid Request", "details": "Unknown action: restart"}"#)
      try await expectDone("START", "started")
      let first = try #require(try await listener.main)
      let command = try await amphora.commandLine(first)
      for argument in [
        "--log-facility=1", "\(listener.stem).conf", "\(listener.stem).pid", "\(listener.stem).check.pid",
      ] {
        #expect(command.contains(argument), "\(command)")
      }
      let namespace = try await amphora.run("/sbin/ip netns identify \(first)").output
      #expect(namespace.contains("amphora-haproxy"))
      try await expectDone("start", "started")
      #expect(try await listener.main == first, "it goes on")
      #expect(try await listener.listed() == "ACTIVE UDP")
      #expect(try await amphora.client.details().lvsListenerProcessCount == 1)
      try await expectDone("reload", "restarted")
      let second = try #require(try await listener.main)
      #expect(second != first)
      #expect(try await listener.upload(listener.withoutPool).status == 200)
      #expect(try await listener.listed() == "OFFLINE UDP", "it serves nothing")
      for _ in 1...2 { try await expectDone("stop", "stoped") }
      try await amphora.expectNone("keepalived")
      #expect(try await listener.listed() == "OFFLINE UDP")
      try await expectDone("reload", "restarted")
      #expect(try await listener.main != nil)
    }
  }

  @Test func `a delete removes everything, whatever keepalived has left`() async throws {
    try await withAmphora { amphora in
      let listener = LVSListener(amphora: amphora)
      #expect(try await listener.upload(listener.configuration()).status == 200)
      let script = "\(LVSListener.folder)/check/udp_check.sh"
      for hasCrashed in [false, true] {
        #expect(try await listener.upload(listener.configuration()).status == 200)
        #expect(try await listener.control("start").status == 202)
        try await poll("its children") { amphora.exists("\(listener.stem).check.pid") }
        if hasCrashed {
          // Nobody starts it again meanwhile, and its files stay.
          try await amphora.crashAgent()
          try await amphora.killAll("keepalived")
          _ = try await amphora.run("/bin/rm \(listener.stem).check.pid")
          try await amphora.startAgent()
        }
        try expect(await listener.delete(), 200, Self.ok)
        try await amphora.expectNone("keepalived")
        #expect(amphora.names(in: LVSListener.folder) == ["check"])
        #expect(amphora.exists(script))
        #expect(amphora.names(in: "/var/lib/octavia/services") == [])
        #expect(try await listener.listed() == nil)
      }
      try expect(await listener.delete(), 200, Self.ok)
    }
  }

  @Test func `a load balancer and a listener live beside each other`() async throws {
    try await withAmphora { amphora in
      let (balancer, listener) = (VersionedBalancer(amphora: amphora), LVSListener(amphora: amphora))
      #expect(try await balancer.upload("v1", extra: "    mode http").status == 202)
      #expect(try await balancer.control("reload").status == 202)
      #expect(try await listener.upload(listener.configuration()).status == 200)
      #expect(try await listener.control("reload").status == 202)
      let details = try await amphora.client.details()
      #expect(details.haproxyCount == 1 && details.lvsListenerProcessCount == 1)
      #expect(details.listeners.count == 2 && details.listeners == details.listeners.sorted())
      #expect(try await amphora.client.listListeners().map(\.type) == ["HTTP", "UDP"])
      #expect(try await balancer.delete().status == 200)
      #expect(try await listener.main != nil)
      #expect(try await amphora.client.listListeners().map(\.type) == ["UDP"])
    }
  }

  @Test func `heartbeats tell a listener while its keepalived runs, with every disabled member`() async throws {
    let watch = try await HeartbeatWatch()
    var settings = LabAmphora.Settings()
    settings.controllers = watch.destination
    try await withAmphora(settings) { amphora in
      let listener = LVSListener(amphora: amphora)
      #expect(try await listener.upload(listener.configuration()).status == 200)
      #expect(try await watch.next("one before its start").listeners == [])
      #expect(try await listener.control("start").status == 202)
      let first = try await watch.next("the listener") { !$0.listeners.isEmpty }
      #expect(first.listeners.map(\.id) == [listener.id.text] && first.listeners.map(\.status) == ["OPEN"])
      #expect(first.listeners.first?.stats == HeartbeatMessage.Stats())
      #expect(first.pools?.map(\.key) == [listener.pool] && first.pools?.map(\.status) == ["UP"])
      #expect(first.memberStates == ["MAINT", "MAINT"])
      // A member that keepalived does not know yet is no failure.
      let member = freshID().text
      #expect(try await listener.upload(listener.configuration(servers: LVSListener.server(member))).status == 200)
      let changed = try await watch.next("the new member") { $0.memberStates.count == 3 }
      #expect(changed.memberStates == ["MAINT", "MAINT", "RESTARTING"] && changed.pools?.map(\.status) == ["UP"])
      #expect(try await listener.upload(listener.withoutPool).status == 200)
      let bare = try await watch.next("no pool") { $0.pools == [] }
      #expect(bare.listeners.map(\.status) == ["OPEN"])
      #expect(try await listener.control("stop").status == 202)
      _ = try await watch.next("silence about a listener that is stopped") { $0.listeners.isEmpty }
    }
    try await watch.receiver.close()
  }

  @Test func `what runs is adopted, what is killed comes back, and what was stopped stays so`() async throws {
    try await withAmphora { amphora in
      let (runs, stopped) = (LVSListener(amphora: amphora), LVSListener(amphora: amphora))
      for listener in [runs, stopped] {
        #expect(try await listener.upload(listener.configuration()).status == 200)
        #expect(try await listener.control("start").status == 202)
      }
      #expect(try await stopped.control("stop").status == 202)
      let main = try #require(try await runs.main)
      try await amphora.crashAgent()
      try await amphora.startAgent()
      #expect(try await runs.control("start").status == 202)
      #expect(try await runs.main == main)
      try await amphora.killAll("keepalived")
      try await poll("another keepalived") { try await runs.main.map { $0 != main } ?? false }
      #expect(try await stopped.main == nil)
      #expect(try await amphora.client.details().lvsListenerProcessCount == 1)
      // A boot starts both, as systemd starts what is enabled.
      try await amphora.reboot()
      try await amphora.startAgent()
      try await poll("both after the boot") { try await amphora.client.details().lvsListenerProcessCount == 2 }
    }
  }

  @Test func `in a pair an upload brings the checks that keepalived runs`() async throws {
    try await withAmphora(VRRPTests.activeStandby()) { amphora in
      let listener = LVSListener(amphora: amphora)
      let folder = "/var/lib/octavia/vrrp/check_scripts"
      try await VRRPTests.plug(amphora)
      try await amphora.client.uploadVRRP(VRRPTests.configuration(amphora))
      #expect(amphora.text("\(folder)/haproxy_check_script.sh") == "exit 1")
      #expect(try await listener.upload(listener.configuration()).status == 200)
      #expect(amphora.names(in: folder) == ["lvs_udp_check.sh"])
      #expect(amphora.mode("\(folder)/lvs_udp_check.sh") == "755")
      func check() async throws -> Int32 { try await amphora.run("/var/lib/octavia/vrrp/check_script.sh").status }
      #expect(try await check() == 0)
      #expect(try await listener.control("start").status == 202)
      #expect(try await check() == 0)
      try await amphora.crashAgent()
      try await amphora.killAll("keepalived")
      #expect(try await check() == 1, "it crashed")
      try await amphora.startAgent()
      try await poll("its return") { try await check() == 0 }
      #expect(try await listener.control("stop").status == 202)
      #expect(try await check() == 0, "it was told to stop")
      #expect(try await listener.delete().status == 200)
      #expect(amphora.names(in: folder) == ["lvs_udp_check.sh"])
    }
  }
}
