// The doctor's checks of disks and of what lies on them, each with a real fault.

import AmphoraAgent
import AmphoraController
import AmphoraCrypto
import AmphoraLab
import AmphoraProtocol
import Files
import Glibc
import Testing
import TestSupport

@Suite(.live, .timeLimit(.minutes(3))) struct HostDoctorFileTests {
  private static let base = "/var/lib/octavia"

  /// Puts a folder on a disk of its own, with what is in it.
  private func mountDisk(_ folder: String, _ options: String, _ amphora: LiveAmphora) async throws {
    try await amphora.carryOut(
      "cp -a \(folder) /run/copy && mount -t tmpfs -o \(options) disk \(folder) && cp -a /run/copy/. \(folder)/ && rm -r /run/copy"
    )
  }

  @Test func `a disk that is full, or has no room for another file`() async throws {
    try await withAmphora(starts: false) { amphora in
      try await mountDisk(Self.base, "size=40m,mode=755", amphora)
      try await amphora.carryOut("mount -t tmpfs -o size=200m,nr_inodes=200,mode=755 logs /var/log")
      try await amphora.startAgent()
      let doctor = try await HostDoctor(amphora)
      try await amphora.carryOut("head -c 35M /dev/zero > \(Self.base)/core.812")
      let full = try await doctor.finds(.failure, "disk", "\(Self.base) is full: ")
      #expect(full.evidence.contains("the largest file is \(Self.base)/core.812, 36 MB"), "\(full)")
      try await amphora.carryOut(full.remedy.map { String($0.drop { $0 != ":" }.dropFirst()) })
      try await doctor.isClean()

      try await amphora.carryOut("head -c 182M /dev/zero > /var/log/haproxy.log")
      let nearly = try await doctor.finds(.warning, "disk", "91 % of /var/log is in use")
      try await amphora.carryOut(nearly.remedy)
      try await doctor.isClean()
      try await amphora.carryOut("cd /var/log && touch $(seq 190)")
      try await doctor.finds(.warning, "disk", "% of the inodes of /var/log are in use")
      try await amphora.carryOut("cd /var/log && rm $(seq 190)")
      try await doctor.isClean()
    }
  }

  @Test func `a file of counters that cannot be read`() async throws {
    try await withAmphora { amphora in
      let doctor = try await HostDoctor(amphora)
      try await amphora.write("{\"a\": torn", to: "\(Self.base)/stats_counters.json")
      try await amphora.carryOut(try await doctor.finds(.warning, "counters", "reports traffic twice").remedy)
      try await doctor.isClean()
    }
  }

  @Test func `what is left of load balancers and listeners that are gone`() async throws {
    try await withAmphora { amphora in
      let doctor = try await HostDoctor(amphora)
      let id = freshID()
      let folder = "\(Self.base)/\(id)"
      // A delete and an upload that a crash cut short: the agent's start ends both.
      for file in ["\(folder)/haproxy.cfg.deleted", "\(Self.base)/lvs/octavia-keepalivedlvs-\(id).conf.deleted"] {
        try await amphora.carryOut("install -D /dev/null \(file) && touch -d '1 hour ago' $(dirname \(file))")
        let half = try await doctor.finds(.warning, "leftovers", "cut short")
        #expect(half.remedy == "systemctl restart amphora-agent")
        _ = try await amphora.stopAgent()
        try await amphora.startAgent()
        try await doctor.isClean()
      }
      for made in [
        "mkdir \(folder) && touch \(folder)/notes && touch -d '1 hour ago' \(folder)",
        "mkdir -p \(Self.base)/certs/\(id) && touch -d '1 hour ago' \(Self.base)/certs/\(id)",
      ] {
        try await amphora.carryOut(made)
        let orphan = try await doctor.finds(.warning, "leftovers", "\(id)")
        try await amphora.carryOut(orphan.remedy)
        try await doctor.isClean()
      }
      for unit in ["haproxy-\(id)", "octavia-keepalivedlvs-\(id)"] {
        let record = "\(Self.base)/services/\(unit).service.json"
        try await amphora.carryOut("install -D /dev/null \(record) && touch -d '1 hour ago' \(record)")
        let finding = try await doctor.finds(.warning, "leftovers", "\(record) is of ")
        // Without systemd here: the agent that forgets it is the same one.
        #expect(finding.remedy == "rm \(record); systemctl restart amphora-agent")
        try await amphora.carryOut("rm \(record)")
        try await doctor.isClean()
      }
      // A controller sends certificates first, and a refused configuration stays for whoever looks for the reason.
      try await amphora.carryOut(
        "mkdir -p \(Self.base)/certs/\(id) \(folder) && touch -d '1 hour ago' \(folder)/haproxy.cfg.new-failed \(folder)"
      )
      try await doctor.isClean()
    }
  }

  @Test func `tenants' certificates: lost by a reboot, not of their key, expired, about to`() async throws {
    try await withAmphora { amphora in
      let doctor = try await HostDoctor(amphora)
      let (id, listener) = (freshID(), freshID())
      let folder = "\(Self.base)/certs/\(id)"
      let authority = amphora.lab.serverCA
      func issued(ahead days: Int64) throws -> String {
        try authority.withClock(ahead: days * 86_400).issueAmphoraCertificate(id: #require(AmphoraID("www-example")))
          .pem
      }
      try await amphora.write(
        "global\n  stats socket \(Self.base)/\(id).sock\nfrontend \(listener)\n  mode http\n"
          + "  bind 203.0.113.10:443 ssl crt-list \(folder)/\(listener).pem ca-file \(folder)/ca.pem\n",
        to: "\(Self.base)/\(id)/haproxy.cfg")
      let failover = "openstack loadbalancer failover \(id)"
      #expect(try await doctor.finds(.failure, "tenant-certificates", "\(folder) is empty").remedy == failover)
      try await amphora.write("\(folder)/a.pem\n", to: "\(folder)/\(listener).pem", mode: 0o600)
      try await amphora.write(try authority.certificatePEM(), to: "\(folder)/ca.pem", mode: 0o600)
      #expect(
        try await doctor.finds(.failure, "tenant-certificates", "lacks 1 file that haproxy.cfg names, such as a.pem")
          .remedy
          == failover)
      let (good, other) = (try issued(ahead: 0), try issued(ahead: 0))
      func parts(_ pem: String) -> (Substring, Substring) {
        let split = pem.firstRange(of: "-----BEGIN RSA")?.lowerBound ?? pem.endIndex
        return (pem[..<split], pem[split...])
      }
      try await amphora.write("\(parts(good).0)\(parts(other).1)", to: "\(folder)/a.pem", mode: 0o600)
      #expect(
        try await doctor.finds(.failure, "tenant-certificates", "a.pem: the private key belongs to none").remedy
          == failover)
      for (days, verdict, words) in [
        (Int64(-40), Finding.Verdict.failure, "www-example (\(folder)/a.pem) expired 10 days ago"),
        (-20, .warning, "www-example (\(folder)/a.pem) expires on "),
      ] {
        try await amphora.write(try issued(ahead: days), to: "\(folder)/a.pem", mode: 0o600)
        let finding = try await doctor.finds(verdict, "tenant-certificates", words)
        #expect(
          finding.remedy?.contains("listener set --default-tls-container-ref REF \(listener)") == true, "\(finding)")
      }
      // What the tenant's new secret brings.
      try await amphora.write(good, to: "\(folder)/a.pem", mode: 0o600)
      try await doctor.isClean()
    }
  }
}
