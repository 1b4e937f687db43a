// What supervised programs print, for the details of answers.

import Files

extension DirectSupervisor {
  package func outputMark(_ name: String) async -> OutputMark {
    OutputMark(offset: (try? FileRead.size(logFile(name))) ?? 0)
  }

  package func output(_ name: String, since mark: OutputMark) async -> String {
    let bytes = (try? FileRead.bytes(logFile(name))) ?? []
    // A start empties the file.
    let offset = bytes.count < mark.offset ? 0 : mark.offset
    return String(decoding: bytes.dropFirst(offset).suffix(8192), as: UTF8.self)
  }

  func logFile(_ name: String) -> String { "\(runtime)/\(name).log" }
}
