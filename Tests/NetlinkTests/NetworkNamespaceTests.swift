import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct NetworkNamespaceTests {
    @Test func `ours are ip netns's and ip netns's are ours`() throws {
      try withNamespace { ours throws in
        try withNamespace { theirs throws in
          #expect(!ours.exists)
          try ours.create()
          try runIP("netns", "add", theirs.name)
          #expect(ours.exists && theirs.exists)
          let listed = try NetworkNamespace.list()
          #expect(listed.contains(ours) && listed.contains(theirs))
          #expect(listed == listed.sorted { $0.name < $1.name })
          #expect(try runIP("-n", ours.name, "-br", "link").contains("lo"))
          try runIP("netns", "delete", ours.name)
          try theirs.delete()
          #expect(!ours.exists && !theirs.exists)
          #expect(access(ours.path, F_OK) != 0 && access(theirs.path, F_OK) != 0)
        }
      }
    }

    @Test func `no thread of the process is left in a namespace, however many tasks were resumed from there`()
      async throws
    {
      let namespace = try #require(NetworkNamespace("nlt-strays-\(getpid())"))
      try namespace.create()
      defer { #expect(throws: Never.self) { try namespace.delete() } }
      let inside = try namespace.identity()
      // The pool grows when tasks are resumed and its threads are busy.
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<64 {
          group.addTask {
            try? await namespace.run { _ = usleep(1000) }
            usleep(2000)
          }
        }
      }
      let strays = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").filter { thread in
        (try? NetworkNamespace.Identity(path: "/proc/self/task/\(thread)/ns/net")) == inside
      }
      #expect(strays.isEmpty)
    }

    @Test func `the handle has mode 0 beneath, and mounts are shared with services`() throws {
      try withNamespace { namespace throws in
        try namespace.create()
        #expect(
          contents("/proc/self/mountinfo").split(separator: "\n").contains {
            $0.contains(" /run/netns ") && $0.contains(" shared:")
          })
        // Unmounted, the file below shows.
        umount2(namespace.path, Int32(MNT_DETACH))
        var status = stat()
        #expect(stat(namespace.path, &status) == 0 && status.st_mode & 0o7777 == 0 && status.st_size == 0)
      }
    }

    @Test func `creating twice is an error unless asked for, and never changes the first`() throws {
      try withNamespace { namespace throws in
        try namespace.create(ifMissing: true)
        let first = try namespace.identity()
        #expect(throws: NetworkNamespaceError.exists(namespace.name)) { try namespace.create() }
        try namespace.create(ifMissing: true)
        #expect(try namespace.identity() == first)
      }
    }

    @Test(arguments: [false, true])
    func `a handle left half made by a crash is no namespace and is repaired`(ifMissing: Bool) throws {
      try withNamespace { namespace throws in
        // The state between making the file and mounting on it.
        try namespace.create()
        umount2(namespace.path, Int32(MNT_DETACH))
        #expect(!namespace.exists)
        #expect(try !NetworkNamespace.list().contains(namespace))
        #expect(throws: NetworkNamespaceError.notANamespace(namespace.name)) { try namespace.runBlocking {} }
        #expect(throws: NetworkNamespaceError.notANamespace(namespace.name)) { try namespace.identity() }
        try namespace.create(ifMissing: ifMissing)
        #expect(namespace.exists)
        #expect(try NetlinkSocket(in: namespace).links().map(\.name) == ["lo"])
        try namespace.delete()
        #expect(access(namespace.path, F_OK) != 0)
      }
    }

    @Test func `a half-made handle can be deleted`() throws {
      try withNamespace { namespace throws in
        try namespace.create()
        umount2(namespace.path, Int32(MNT_DETACH))
        try namespace.delete()
        #expect(throws: NetworkNamespaceError.missing(namespace.name)) { try namespace.delete() }
        try namespace.delete(ifExists: true)
      }
    }

    @Test func `using a missing namespace is a typed error and makes none`() async throws {
      let namespace = try #require(NetworkNamespace("nlt\(getpid())-none"))
      let missing = NetworkNamespaceError.missing(namespace.name)
      #expect(throws: missing) { try namespace.runBlocking {} }
      await #expect(throws: missing) { try await namespace.run {} }
      #expect(throws: missing) { try NetlinkSocket(in: namespace) }
      #expect(throws: missing) { try LinkEvents([.links], in: namespace) }
      #expect(throws: missing) { try namespace.identity() }
      #expect(access(namespace.path, F_OK) != 0)
    }

    @Test func `run works inside and leaves the caller outside`() async throws {
      let namespace = try #require(NetworkNamespace("nlt\(getpid())-run"))
      defer { #expect(throws: Never.self) { try namespace.delete() } }
      try namespace.create()
      let outside = try NetworkNamespace.Identity.ofCallingThread()
      let inside = try namespace.identity()
      #expect(inside != outside)
      #expect(try await namespace.run { try .ofCallingThread() } == inside)
      #expect(try namespace.runBlocking { try NetworkNamespace.Identity.ofCallingThread() } == inside)
      #expect(try NetworkNamespace.Identity.ofCallingThread() == outside)
      struct Own: Error {}
      await #expect(throws: Own.self) { try await namespace.run { throw Own() } }
      #expect(throws: Own.self) { try namespace.runBlocking { throw Own() } }
    }

    @Test func `a socket stays in its namespace when the name goes to another`() throws {
      try withNamespace { namespace throws in
        try namespace.create()
        let before = try namespace.identity()
        let socket = try NetlinkSocket(in: namespace)
        try socket.createBridge(named: "old")
        try namespace.delete()
        try namespace.create()
        // The open socket keeps the old namespace, hence its inode number, in use.
        #expect(try namespace.identity() != before)
        #expect(try socket.link(named: "old") != nil)
        #expect(try NetlinkSocket(in: namespace).link(named: "old") == nil)
      }
    }

    @Test func `many creators at once make one namespace`() async throws {
      let namespace = try #require(NetworkNamespace("nlt\(getpid())-many"))
      defer { #expect(throws: Never.self) { try namespace.delete(ifExists: true) } }
      let seen = try await withThrowingTaskGroup { group in
        for _ in 0..<8 {
          group.addTask {
            try namespace.create(ifMissing: true)
            return try namespace.identity()
          }
        }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(seen.count == 1)
      // One mount: after one unmount the plain file shows.
      umount2(namespace.path, Int32(MNT_DETACH))
      #expect(!namespace.exists)
    }

    @Test func `nothing is left behind by 200 rounds of everything`() throws {
      try Lab.run { lab throws in
        _ = try lab.bringUp("203.0.113.4/24", "2001:db8::4/64")
        let namespace = lab.namespace
        for _ in 0..<200 {
          let socket = try NetlinkSocket(in: namespace)
          let events = try LinkEvents([.links, .ipv6Addresses], in: namespace)
          let link = try #require(try socket.link(named: "eth1"))
          _ = try netlinkError { try socket.rename(link, to: "lo") }
          _ = try (socket.links(), socket.addresses(), socket.routes(), socket.rules())
          _ = try netlinkError { try socket.move(link, into: lab.otherNamespace, as: "peer") }
          _ = try events.wait(atMost: .zero)
          try namespace.runBlocking { () throws in
            try AddressAnnouncement.send(ip("203.0.113.4"), on: link)
            try AddressAnnouncement.send(ip("2001:db8::4"), on: link)
            _ = try Sysctl.read("net/ipv4/ip_forward")
          }
        }
        // Exact, whatever else this process does: sockets are counted in their own namespace, threads by their name.
        #expect(try userSockets(in: namespace) == 1)
        let another = try NetlinkSocket(in: namespace)
        #expect(try withExtendedLifetime(another) { try userSockets(in: namespace) } == 2)
        #expect(try userSockets(in: lab.otherNamespace) == 1)
        #expect(try openHandles(of: namespace) == 0)
        #expect(eventually { threads(named: namespace.name) == 0 })
      }
    }

    /// Netlink, packet and raw IPv6 sockets; the kernel's own netlink sockets have port 0.
    private func userSockets(in namespace: NetworkNamespace) throws -> Int {
      try namespace.runBlocking { () throws in
        let netlink = contents("/proc/thread-self/net/netlink").split(separator: "\n").dropFirst()
          .filter { $0.split(separator: " ")[2] != "0" }
        return netlink.count
          + ["packet", "raw6"].map { contents("/proc/thread-self/net/\($0)").split(separator: "\n").count - 1 }.reduce(
            0, +)
      }
    }

    private func openHandles(of namespace: NetworkNamespace) throws -> Int {
      let identity = try namespace.identity()
      return (0..<1024).filter { (try? NetworkNamespace.Identity(path: "/proc/self/fd/\($0)")) == identity }.count
    }

    private func threads(named name: String) -> Int {
      guard let folder = opendir("/proc/self/task") else { return -1 }
      defer { closedir(folder) }
      var count = 0
      while let entry = readdir(folder) {
        let id = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if contents("/proc/self/task/\(id)/comm") == name + "\n" { count += 1 }
      }
      return count
    }
  }
}
