// What /info and /details say about hosts unlike this one (contract agent-api §3.2, §3.3).

import AmphoraAgent
import AmphoraController
import AmphoraLab
import AmphoraProtocol
import Testing

@Suite(.live, .timeLimit(.minutes(2))) struct HostDescriptionTests {
  /// Stands in for rpm, of which this Debian has none: it takes the contract's arguments only.
  private func rpm(haproxy: String) -> String {
    """
    #!/bin/bash
    [ "$#" = 4 ] && [ "$1 $2 $3" = '-q --queryformat %{VERSION}' ] || { echo "unexpected: $*"; exit 2; }
    case $4 in
      haproxy) printf '\(haproxy)' ;;
      keepalived) printf '2.2.8' ;;
      *) echo "package $4 is not installed"; exit 1 ;;
    esac
    """
  }

  @Test func `versions are rpm's where packages are RPMs`() async throws {
    try await withAmphora { amphora in
      let result = try await amphora.run("/bin/rm /var/lib/dpkg/status")
      try #require(result.isSuccess, "\(result.output)")
      try await amphora.write(rpm(haproxy: "2.4.22"), to: "/run/bin/rpm", mode: 0o755)
      try await amphora.write("one", to: "/var/lib/rpm/rpmdb.sqlite")
      for _ in 1...2 {
        let json = try await amphora.send("GET", "/1.0/info").json
        #expect(json.string("haproxy_version") == "2.4.22")
        #expect(json.string("keepalived_version") == "2.2.8")
        #expect(json["ipvsadm_version"] == .text(""))
      }
      // An upgrade changes the database.
      try await amphora.write(rpm(haproxy: "2.8.10"), to: "/run/bin/rpm", mode: 0o755)
      try await amphora.write("another", to: "/var/lib/rpm/rpmdb.sqlite")
      #expect(try await amphora.send("GET", "/1.0/details").json.string("haproxy_version") == "2.8.10")
    }
  }

  @Test func `tuned's profiles are the first 1024 characters of its file, trimmed`() async throws {
    try await withAmphora { amphora in
      let long = String(repeating: "ä", count: 1022)
      for (file, expected) in [
        ("amphora\n", "amphora"), (" \t throughput-performance amphora \r\n\n", "throughput-performance amphora"),
        ("", ""), ("\(long)bcd", "\(long)bc"), ("\(long)b c", "\(long)b"), ("\r\n\(long)b", long),
      ] {
        try await amphora.write(file, to: "/etc/tuned/active_profile")
        let json = try await amphora.send("GET", "/1.0/details").json
        #expect(json["active_tuned_profiles"] == .text(expected))
      }
    }
  }
}
