// The small cases, byte for byte.

import Testing

@testable import AmphoraController

@Suite struct GoldenTests {
  @Test(arguments: GoldenCase.all) func `a small document renders to its text`(example: GoldenCase) throws {
    let files = try ConfigurationFiles.render(LoadBalancerDocument(example.document))
    let text = try #require(files[example.file], "\(files.keys.sorted())")
    #expect(text.utf8.count >= example.text.utf8.count)
    #expect(String(decoding: text.utf8.suffix(example.text.utf8.count), as: UTF8.self) == example.text)
  }
}
