import Testing

@testable import AmphoraController

@Suite struct SequenceWindowTests {
  /// Takes numbers; the digest is the number unless given.
  private func readings(_ steps: [(Int?, UInt64)]) -> [SequenceReading] {
    var window = SequenceWindow()
    return steps.map { window.take($0.0, digest: $0.1) }
  }

  @Test func `numbers that go up are fresh, with gaps too`() {
    #expect(readings([(5, 1), (6, 2), (9, 3), (1000, 4)]) == [.fresh, .fresh, .fresh, .fresh])
  }

  @Test func `the same datagram again is repeated, up to sixteen back`() {
    var window = SequenceWindow()
    for number in 100...120 { #expect(window.take(number, digest: UInt64(number)) == .fresh) }
    for number in 105...120 { #expect(window.take(number, digest: UInt64(number)) == .repeated) }
  }

  @Test func `one that comes out of order is fresh, once`() {
    #expect(readings([(7, 7), (9, 9), (8, 8), (8, 8), (10, 10)]) == [.fresh, .fresh, .fresh, .repeated, .fresh])
  }

  @Test func `a large fall is a restart`() {
    #expect(readings([(500, 1), (3, 2), (4, 3)]) == [.fresh, .restarted, .fresh])
  }

  @Test func `zero is a restart, though the datagram has been here before`() {
    #expect(
      readings([(0, 1), (1, 2), (2, 3), (0, 1), (1, 2)]) == [.fresh, .fresh, .fresh, .restarted, .fresh])
  }

  @Test func `zero again and again is repeated`() {
    #expect(readings([(0, 1), (0, 1), (0, 1)]) == [.fresh, .repeated, .repeated])
  }

  @Test func `a used number on another message is a restart whose beginning was lost`() {
    #expect(readings([(1, 1), (2, 2), (3, 3), (2, 99), (3, 98)]) == [.fresh, .fresh, .fresh, .restarted, .fresh])
  }

  @Test func `agents without numbers cannot be judged`() {
    #expect(readings([(nil, 1), (nil, 1), (-4, 1), (-4, 1)]) == [.fresh, .fresh, .fresh, .fresh])
  }
}
