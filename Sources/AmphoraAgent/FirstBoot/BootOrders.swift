// Everything that a drive says, read before anything is done.

/// The orders of a config drive.
struct BootOrders: Sendable {
  var metaData: MetaData?
  var nics: [NICPlan] = []
  var cloudConfig = CloudConfig()
  /// Whether a file of the agent was ordered, or may have been, whose content cannot be read.
  var lacksAgentFile = false

  /// Reads a mounted drive; what is wrong in one document does not touch the others.
  init(_ drive: ConfigDrive, report: inout BootReport) {
    let base = "latest"
    if let document = Self.document("meta_data.json", drive, &report) {
      metaData = MetaData(document, drive: drive, report: &report)
    } else {
      report.problem("config drive: openstack/\(base)/meta_data.json is needed: no files, host name and keys")
    }
    if let document = Self.document("network_data.json", drive, &report) {
      nics = NetworkData.plans(document, report: &report)
    }
    if let bytes = report.attempt({ try drive.file("\(base)/user_data") }) {
      if let bytes { cloudConfig = CloudConfig(bytes, report: &report) }
    } else if metaData?.files.contains(where: \.path.isAgents) != true {
      // Then they are there.
      lacksAgentFile = true
    }
    if metaData?.lacksAgentFile == true { lacksAgentFile = true }
  }

  private static func document(_ name: String, _ drive: ConfigDrive, _ report: inout BootReport) -> DriveField? {
    report.attempt {
      guard let bytes = try drive.file("latest/\(name)") else { return nil }
      return try DriveValue.json(bytes, name: name)
    } ?? nil
  }
}
