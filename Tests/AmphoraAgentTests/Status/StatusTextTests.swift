// The parts that screens are made of.

import Testing

@testable import AmphoraAgent

@Suite struct StatusTextTests {
  @Test(arguments: [
    (0.0, "0s"), (59.9, "59s"), (60, "1m00s"), (312, "5m12s"), (3600, "1h00m"), (86_399, "23h59m"), (90_000, "1d1h"),
    (-5, "0s"), (.infinity, "11574074d1h"),
  ]) func `ages have two units`(seconds: Double, text: String) { #expect(Quantity.age(seconds) == text) }

  @Test(arguments: [
    (0.0, "0 B"), (812, "812 B"), (999, "999 B"), (999.6, "1.0 kB"), (1000, "1.0 kB"), (9949, "9.9 kB"),
    (9951, "10 kB"),
    (999_499, "999 kB"), (999_500, "1.0 MB"), (1.42e9, "1.4 GB"), (-1, "0 B"),
  ]) func `bytes have up to three digits`(number: Double, text: String) { #expect(Quantity.bytes(number) == text) }

  @Test func `counts are exact as long as they are short`() {
    #expect([0, 9999, 10_000, 1_234_567].map(Quantity.count) == ["0", "9999", "10k", "1.2M"])
    #expect([0.4, 999, 1000, 3050].map(Quantity.milliseconds) == ["0 ms", "999 ms", "1.0 s", "3.1 s"])
    #expect(Quantity.time(1_795_276_000) == "2026-11-21 15:46:40" && Quantity.day(0) == "1970-01-01")
  }

  @Test func `what is too long loses its middle`() {
    #expect(Span("0123456789").shortened(to: 10).text == "0123456789")
    #expect(Span("0123456789").shortened(to: 9).text == "0123…6789")
    #expect(Span("0123456789").shortened(to: 4).text == "01…9")
    #expect(Span("0123456789").shortened(to: 1).text == "…")
    #expect(Span("0123456789").shortened(to: 0).text == "")
  }

  @Test func `columns that may be narrower give room, and those that can be done without go`() {
    var table = TextTable([.left("A"), .left("B", least: 3), .right("C"), .right("DD", rank: 1)], indent: 1)
    table.add(["aaaa", "bbbbbbbb", "1", "22"], notes: ["a note that is too long"])
    func lines(_ width: Int) -> [String] {
      let text = table.lines(width: width).map { $0.map(\.text).joined() }
      return text.map { String($0.reversed().drop { $0 == " " }.reversed()) }
    }
    #expect(lines(24) == [" A     B         C  DD", " aaaa  bbbbbbbb  1  22", "       a note t…too long"])
    #expect(lines(20) == [" A     B       C  DD", " aaaa  bbb…bb  1  22", "       a note…o long"])
    #expect(lines(15) == [" A     B      C", " aaaa  bb…bb  1", "       a no…ong"])
    #expect(TextTable([.left("A")]).lines(width: 10).isEmpty)
  }

  @Test func `a field goes on in the next line between its parts`() {
    var text = ScreenText(width: 20)
    text.field("role", labelWidth: 4, ["one", "twotwo", "three", "0123456789012345678"])
    #expect(
      text.render(isColoured: false) == """
        role one, twotwo,
             three,
             0123456…2345678

        """)
  }

  @Test func `eight characters name an id, more where others have the same`() {
    let names = ShortNames([
      "c1a7b3de-0000-4000-8000-000000000001", "f0000000-0000-4000-8000-000000000001",
      "f0000000-0000-4000-8000-000000000002", "short",
    ])
    #expect(names["c1a7b3de-0000-4000-8000-000000000001"] == "c1a7b3de")
    #expect(names["f0000000-0000-4000-8000-000000000001"] == "f0000000…0001")
    #expect(names["f0000000-0000-4000-8000-000000000002"] == "f0000000…0002")
    #expect(names["short"] == "short" && names["unknown"] == "unknown")
  }
}
