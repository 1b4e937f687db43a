import AmphoraProtocol
import Testing

@testable import AmphoraController

@Suite struct HealthEventsTests {
  private func appeared(_ number: Int) throws -> HealthEvent { .appeared(try #require(AmphoraID("a\(number)"))) }

  private func sequence(limit: Int) -> (EventBuffer, HealthEvents) {
    let buffer = EventBuffer(limit: limit)
    return (buffer, HealthEvents(owner: EventReader(buffer: buffer)))
  }

  @Test func `events come in their order, also to a reader that waits`() async throws {
    let (buffer, events) = sequence(limit: 100)
    let reader = Task {
      var seen: [HealthEvent] = []
      for await event in events { seen.append(event) }
      return seen
    }
    let all = try (0..<50).map(appeared)
    for event in all {
      buffer.append([event])
      await Task.yield()
    }
    buffer.finish()
    #expect(await reader.value == all)
  }

  @Test func `a slow reader loses the oldest and learns how many`() async throws {
    let (buffer, events) = sequence(limit: 3)
    try buffer.append((0..<5).map(appeared))
    try buffer.append([appeared(5)])
    var iterator = events.makeAsyncIterator()
    #expect(await iterator.next() == .missed(3))
    #expect(await iterator.next() == (try appeared(3)))
    try buffer.append([appeared(6)])
    #expect(await iterator.next() == (try appeared(4)))
    #expect(await iterator.next() == (try appeared(5)))
    #expect(await iterator.next() == (try appeared(6)))
    buffer.finish()
    #expect(await iterator.next() == nil)
  }

  @Test func `a cancelled reader ends`() async {
    let (_, events) = sequence(limit: 3)
    let reader = Task {
      var iterator = events.makeAsyncIterator()
      return await iterator.next()
    }
    await Task.yield()
    reader.cancel()
    #expect(await reader.value == nil)
  }

  @Test func `a sequence that nobody holds is not filled any more`() throws {
    let buffer = EventBuffer(limit: 3)
    var events: HealthEvents? = HealthEvents(owner: EventReader(buffer: buffer))
    #expect(!buffer.isFinished && events != nil)
    events = nil
    #expect(buffer.isFinished)
  }
}
