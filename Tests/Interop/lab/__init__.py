"""Where the tests happen: wires, containers, members and clients, all inside the sandbox that `run` made."""
