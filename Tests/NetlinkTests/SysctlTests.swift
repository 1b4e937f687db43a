import Glibc
import Testing

@testable import Netlink

extension KernelTests {
  @Suite struct SysctlTests {
    @Test func `settings are those of the namespace the thread is in`() throws {
      try Lab.run { lab throws in
        let outside = try Sysctl.read("net/ipv4/ip_forward")
        for value in ["1", "0", "1"] {
          try lab.namespace.runBlocking { try Sysctl.write("net/ipv4/ip_forward", value) }
          #expect(try lab.namespace.runBlocking { try Sysctl.read("net/ipv4/ip_forward") } == value)
          #expect(try Sysctl.read("net/ipv4/ip_forward") == outside)
        }
      }
    }

    @Test func `a link's name may hold a dot`() throws {
      try Lab.run { lab throws in
        try lab.socket.rename(lab.eth1, to: "eth1.5")
        try lab.namespace.runBlocking { try Sysctl.write("net/ipv6/conf/eth1.5/accept_ra", "2") }
        #expect(try lab.namespace.runBlocking { try Sysctl.read("net/ipv6/conf/eth1.5/accept_ra") } == "2")
      }
    }

    @Test func `several words are one value`() throws {
      try Lab.run { lab throws in
        try lab.namespace.runBlocking { try Sysctl.write("net/ipv4/ip_local_port_range", "1025 65534") }
        #expect(try lab.namespace.runBlocking { try Sysctl.read("net/ipv4/ip_local_port_range") } == "1025\t65534")
      }
    }

    @Test func `missing keys, refused values and paths that lead elsewhere are errors`() throws {
      try Lab.run { lab throws in
        try lab.namespace.runBlocking { () throws in
          let missing = try netlinkError { try Sysctl.write("net/ipv4/no_such_key", "1") }
          #expect(missing.isNotFound)
          #expect(
            missing.description == "cannot write /proc/sys/net/ipv4/no_such_key: No such file or directory (errno 2)")
          #expect(try netlinkError { try Sysctl.write("net/ipv4/ip_forward", "perhaps") }.isInvalid)
          for key in ["", "/net", "net/../../version", "net//ipv4", "net/ipv4/ip_forward\0", "."] {
            #expect(try netlinkError { _ = try Sysctl.read(key) }.errno == EINVAL)
          }
        }
      }
    }
  }
}
