// The one place that lists where our text is not upstream's. Everything else is equal to it, byte for byte.

/// A vector whose expected text haproxy refuses; ours is one that it takes and that means what was asked for.
struct Departure {
  let vector: String
  let reason: String
  /// Upstream's lines and ours, in the order of the file; all other lines are equal.
  let lines: [(upstream: String, ours: String)]

  static let all = [
    Departure(
      vector: "059-persistence-app-cookie-name-is-html-escaped",
      reason: "upstream writes the cookie name sid'&x as HTML, and haproxy takes # within the parentheses as a comment",
      lines: [
        (
          "    stick store-response res.cook(sid&#39;&amp;x)",
          #"    stick store-response res.cook(\"sid\'&x\")"#
        ),
        (
          "    stick match req.cook(sid&#39;&amp;x)",
          #"    stick match req.cook(\"sid\'&x\")"#
        ),
      ]),
    Departure(
      vector: "072-members-ipv6-monitor-address",
      reason: "upstream writes no brackets, and haproxy takes the last group of the address as a port",
      lines: [
        (
          "    server f83b31c0-997c-5efb-b226-54e4549746f8 2001:db8:1::22:8080 weight 1 check inter 5s fall 3 rise 2 "
            + "addr 2001:db8:9::22 port 8081",
          "    server f83b31c0-997c-5efb-b226-54e4549746f8 2001:db8:1::22:8080 weight 1 check inter 5s fall 3 rise 2 "
            + "addr [2001:db8:9::22] port 8081"
        )
      ]),
    Departure(
      vector: "095-l7-rule-keys-are-html-escaped",
      reason:
        "upstream writes the header name X-It's as HTML, and haproxy takes # within the parentheses as a comment; "
        + "the other names and values of the file are then not written as HTML either",
      lines: [
        (
          "        acl bb244e03-004f-533c-b346-d948d214b9fe req.hdr(X-It&#39;s) -m str it&#39;s",
          #"        acl bb244e03-004f-533c-b346-d948d214b9fe req.hdr(\"X-It\'s\") -m str it\'s"#
        ),
        (
          "        acl dac2f50f-5743-5b34-99b0-b830a0d06417 req.cook(A&amp;B) -m str x",
          "        acl dac2f50f-5743-5b34-99b0-b830a0d06417 req.cook(A&B) -m str x"
        ),
      ]),
  ]
}
