// From a path or bytes to a checked configuration, all problems at once.

import Glibc

extension AgentConfiguration {
  /// Reads and checks a configuration file.
  ///
  /// - Parameter environment: the process's environment; `OS_<GROUP>__<OPTION>` variables override the file.
  package static func load(
    path: String, environment: [String: String]
  ) throws(ConfigurationError) -> AgentConfiguration {
    try parse(try readFile(path), file: path, environment: environment)
  }

  /// Checks a configuration that is already in memory, such as the body of `PUT /1.0/config`.
  ///
  /// - Parameter file: the name by which messages call it.
  package static func parse(
    _ bytes: some Collection<UInt8>, file: String, environment: [String: String]
  ) throws(ConfigurationError) -> AgentConfiguration {
    let (configuration, problems) = judge(bytes, file: file, environment: environment)
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return configuration
  }

  /// Everything that is wrong with a configuration, and what it says as far as it can be read.
  static func judge(
    _ bytes: some Collection<UInt8>, file: String, environment: [String: String]
  ) -> (configuration: AgentConfiguration, problems: [ConfigurationProblem]) {
    let (document, grammarProblems) = INIDocument.parseTolerantly(bytes, file: file)
    var reader = OptionReader(document: document, environment: environment)
    let configuration = AgentConfiguration(reading: &reader, file: file)
    return (configuration, (grammarProblems + reader.problems).sorted { ($0.line ?? 0) < ($1.line ?? 0) })
  }

  static func readFile(_ path: String) throws(ConfigurationError) -> [UInt8] {
    func failure(_ kind: ConfigurationProblem.Kind) -> ConfigurationError {
      ConfigurationError(problems: [ConfigurationProblem(kind, file: path)])
    }
    func systemFailure(_ operation: String) -> ConfigurationError {
      failure(.unreadable(operation: operation, message: String(cString: strerror(errno))))
    }
    // O_NONBLOCK: opening a FIFO that nobody writes must not hang the agent.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw systemFailure("open") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw systemFailure("stat") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw failure(.notRegularFile) }
    var content: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    // One byte more than allowed is enough for the parser to refuse the size.
    while content.count <= INIDocument.maximumSize {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw systemFailure("read") }
      if count == 0 { break }
      content += chunk[..<count]
    }
    return content
  }
}
