// Types of the library as arguments of the command line.

public import Addresses
public import AmphoraController
public import ArgumentParser

extension IPAddress: ExpressibleByArgument {
  /// Parses an address of the command line.
  public init?(argument: String) { self.init(argument) }
}

extension CIDR: ExpressibleByArgument {
  /// Parses a network of the command line.
  public init?(argument: String) { self.init(argument) }
}

extension MACAddress: ExpressibleByArgument {
  /// Parses a hardware address of the command line.
  public init?(argument: String) { self.init(argument) }
}

extension Topology: ExpressibleByArgument {}
