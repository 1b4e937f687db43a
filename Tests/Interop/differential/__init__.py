"""The same requests to upstream's agent and to ours, in two machines of the same kind, and what differs then."""
