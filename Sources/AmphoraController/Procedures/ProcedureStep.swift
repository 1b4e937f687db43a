// Steps are data: a plan is shown before it is done, and a journal of it is continued by another process.

public import AmphoraProtocol

/// One step of a procedure; each may be repeated.
public enum ProcedureStep: Codable, Hashable, Sendable {
  /// Makes the port that keeps the VIP.
  case reserveVIP(port: PortID)
  /// Counts an amphora out: it is in no configuration any more, and nobody talks to it.
  case retireAmphora(amphora: AmphoraID)
  /// Orders the machine with its certificate and configuration.
  case buildAmphora(amphora: AmphoraID)
  /// Waits until its agent answers.
  case awaitAmphora(amphora: AmphoraID)
  /// Makes a port.
  case createPort(port: PortID)
  /// Changes a port's addresses to those of its present subnets.
  case changePort(port: PortID)
  /// Lets no more traffic through a port.
  case disablePort(port: PortID)
  /// Connects a port to its amphora.
  case attachPort(port: PortID, amphora: AmphoraID)
  /// Has the agent take the base port's NIC and the VIP.
  case plugVIP(amphora: AmphoraID, port: PortID)
  /// Has the agent take, or change, the NIC of a port to members.
  case plugNetwork(amphora: AmphoraID, port: PortID)
  /// Looks whether the agent answers.
  case probeAmphora(amphora: AmphoraID)
  /// Brings listeners and everything below to an amphora (contract agent-api §4.3, §4.5).
  case updateListeners(amphora: AmphoraID)
  /// Brings VRRP to an amphora and starts it (contract agent-api §4.12).
  case configureVRRP(amphora: AmphoraID)
  /// Reloads all listeners of an amphora.
  case reloadListeners(amphora: AmphoraID)
  /// Takes a port's NIC out of its amphora.
  case detachPort(port: PortID, amphora: AmphoraID)
  /// Deletes a port.
  case deletePort(port: PortID)
  /// Deletes the machine.
  case deleteAmphora(amphora: AmphoraID)
  /// Counts the load balancer as active.
  case activate
  /// Forgets the load balancer.
  case forget

  /// The amphora that the step is about.
  public var amphora: AmphoraID? {
    switch self {
    case .retireAmphora(let amphora), .buildAmphora(let amphora), .awaitAmphora(let amphora),
      .attachPort(_, let amphora), .plugVIP(let amphora, _), .plugNetwork(let amphora, _), .probeAmphora(let amphora),
      .updateListeners(let amphora), .configureVRRP(let amphora), .reloadListeners(let amphora),
      .detachPort(_, let amphora), .deleteAmphora(let amphora):
      amphora
    case .reserveVIP, .createPort, .changePort, .disablePort, .deletePort, .activate, .forget: nil
    }
  }

  /// The port that the step is about.
  public var port: PortID? {
    switch self {
    case .reserveVIP(let port), .createPort(let port), .changePort(let port), .disablePort(let port),
      .attachPort(let port, _), .plugVIP(_, let port), .plugNetwork(_, let port), .detachPort(let port, _),
      .deletePort(let port):
      port
    default: nil
    }
  }

  /// A word for the step, the same as its key in the journal.
  public var word: String {
    switch self {
    case .reserveVIP: "reserveVIP"
    case .retireAmphora: "retireAmphora"
    case .buildAmphora: "buildAmphora"
    case .awaitAmphora: "awaitAmphora"
    case .createPort: "createPort"
    case .changePort: "changePort"
    case .disablePort: "disablePort"
    case .attachPort: "attachPort"
    case .plugVIP: "plugVIP"
    case .plugNetwork: "plugNetwork"
    case .probeAmphora: "probeAmphora"
    case .updateListeners: "updateListeners"
    case .configureVRRP: "configureVRRP"
    case .reloadListeners: "reloadListeners"
    case .detachPort: "detachPort"
    case .deletePort: "deletePort"
    case .deleteAmphora: "deleteAmphora"
    case .activate: "activate"
    case .forget: "forget"
    }
  }
}

/// A step of a plan.
public struct PlannedStep: Codable, Hashable, Sendable {
  /// The step.
  public var step: ProcedureStep
  /// Whether the procedure goes on when it fails (contract heartbeat-and-config §4.3).
  public var mayFail: Bool
  /// The step in words.
  public var name: String
}
