// Every vector, byte for byte.

import Testing

@testable import AmphoraController

@Suite struct VectorTests {
  @Test(
    .enabled(if: !VectorFolder.all.isEmpty, "no vectors at \(VectorFolder.path); set AMPHORA_VECTORS"),
    arguments: VectorFolder.all)
  func `a vector's document renders to exactly its files`(vector: Vector) throws {
    let expected = try vector.expected()
    let rendered = try ConfigurationFiles.render(vector.document())
    #expect(rendered.keys.sorted() == expected.keys.sorted())
    for (name, text) in expected {
      var text = text
      for departure in Departure.all where departure.vector == vector.name {
        for (upstream, ours) in departure.lines {
          #expect(text.contains("\(upstream)\n"), "the departure is listed but does not exist: \(departure.reason)")
          text.replace("\(upstream)\n", with: "\(ours)\n")
        }
      }
      // As bytes: strings are also equal when only their Unicode normal forms differ.
      let isEqual = rendered[name, default: ""].utf8.elementsEqual(text.utf8)
      #expect(isEqual, "\(name): \(firstDifference(rendered[name], text))")
    }
  }

  @Test(.enabled(if: !VectorFolder.all.isEmpty, "no vectors at \(VectorFolder.path); set AMPHORA_VECTORS"))
  func `all 153 vectors are there`() {
    #expect(VectorFolder.all.count >= 153)
    #expect(VectorFolder.all.map(\.name).contains("153-contract-example"))
  }

  @Test(
    .enabled(if: !VectorFolder.all.isEmpty, "no vectors at \(VectorFolder.path); set AMPHORA_VECTORS"),
    arguments: VectorFolder.all)
  func `a document that is encoded and decoded again renders to the same files`(vector: Vector) throws {
    let document = try vector.document()
    let again = try LoadBalancerDocument(json: Documents.json(of: document))
    #expect(again == document)
    #expect(try ConfigurationFiles.render(again) == ConfigurationFiles.render(document))
  }

  private func firstDifference(_ rendered: String?, _ expected: String) -> String {
    let rendered = (rendered ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    let expected = expected.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, (left, right)) in zip(rendered, expected).enumerated() where left != right {
      return "line \(index + 1) is \(left.debugDescription), expected \(right.debugDescription)"
    }
    return "\(rendered.count) lines, expected \(expected.count)"
  }
}
