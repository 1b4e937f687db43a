// Amphorae out of namespaces.

package import AmphoraController
package import AmphoraProtocol
import Files
import Netlink

extension NamespaceDriver: ComputeDriver {
  /// Boots an amphora and its agent, unless it runs; what a crash left half made is made anew.
  package func build(_ order: AmphoraOrder) async throws {
    try await exclusively {
      let id = order.amphora
      let namespace = try namespace(of: id)
      let known = try machines.read(id.text)
      if known != nil, isRunning(id, namespace) { return }
      let machine = try known ?? Machine(id: id, number: freeNumber())
      try machines.write(machine, id.text)
      try await MachineProcesses(namespace: namespace).kill()
      try DurableFile.removeTree(files(of: id))
      try fabric.make()
      try NamespaceFabric.make(namespace)
      try fabric.connectManagement(namespace, number: machine.number)
      _ = try await AmphoraVM(
        number: machine.number, namespace: namespace,
        managementAddress: "\(fabric.managementAddress(machine.number))", agent: agent,
        files: Dictionary(order.files.map { ($0.path, $0.text) }) { $1 }, directory: files(of: id), startsAgent: true)
    }
  }

  /// The address on the management network; an amphora whose processes are gone will never be there.
  package func address(of amphora: AmphoraID) async throws -> ManagementAddress? {
    let namespace = try namespace(of: amphora)
    guard let machine = try machines.read(amphora.text), isRunning(amphora, namespace) else {
      throw LabError.failed(what: "amphora \(amphora)", reason: "does not run")
    }
    return ManagementAddress(address: try fabric.managementAddress(machine.number))
  }

  /// Ends an amphora's processes and removes its namespaces and files.
  package func delete(_ amphora: AmphoraID) async throws {
    try await exclusively {
      let namespace = try namespace(of: amphora)
      try await MachineProcesses(namespace: namespace).kill()
      for port in try ports.all() where port.amphora == amphora { try unplug(port) }
      if let machine = try machines.read(amphora.text) { try fabric.disconnect("m\(machine.number)") }
      try namespace.delete(ifExists: true)
      try DurableFile.removeTree(files(of: amphora))
      try machines.remove(amphora.text)
      try tearDownIfUnused()
    }
  }

  /// Hot-plugs a NIC with the port's MAC address.
  package func attach(_ port: PortID, to amphora: AmphoraID) async throws {
    try await exclusively {
      var known = try known(port)
      let namespace = try namespace(of: amphora)
      guard isRunning(amphora, namespace) else {
        throw LabError.failed(what: "amphora \(amphora)", reason: "does not run")
      }
      known.amphora = amphora
      try ports.write(known, port.rawValue)
      try fabric.connect(
        namespace, String(NamespaceFabric.link("ens", port.rawValue).prefix(11)), mac: known.made.macAddress,
        port: NamespaceFabric.link("p", port.rawValue), network: known.order.networkID)
    }
  }

  /// Takes a NIC out.
  package func detach(_ port: PortID, from amphora: AmphoraID) async throws {
    try await exclusively {
      guard let known = try ports.read(port.rawValue), known.amphora == amphora else { return }
      try unplug(known)
    }
  }

  private func unplug(_ port: Port) throws {
    try fabric.disconnect(NamespaceFabric.link("p", port.order.id.rawValue))
    var port = port
    port.amphora = nil
    try ports.write(port, port.order.id.rawValue)
  }

  func known(_ port: PortID) throws -> Port {
    guard let known = try ports.read(port.rawValue) else {
      throw LabError.failed(what: "port \(port)", reason: "there is none")
    }
    return known
  }

  private func isRunning(_ amphora: AmphoraID, _ namespace: NetworkNamespace) -> Bool {
    FileRead.exists("\(files(of: amphora))/run/.ready") && MachineProcesses(namespace: namespace).first() != nil
  }

  /// 1 is the controller.
  private func freeNumber() throws -> Int {
    let taken = Set(try machines.all().map(\.number))
    guard let number = (11...250).first(where: { !taken.contains($0) }) else {
      throw LabError.failed(what: "amphora", reason: "the management network is full")
    }
    return number
  }
}
