// Bounds of integers in documents.

/// TCP, UDP and SCTP ports.
let portRange = 1...65535

/// The largest count that haproxy and keepalived hold: a C int.
let countLimit = Int(Int32.max)

/// The API takes timeouts up to 365 days, in milliseconds; haproxy's own limit is 2^31 - 1.
let timeoutRange = 0...countLimit

/// Intervals between checks in seconds, up to 365 days.
let secondsRange = 1...31_536_000
