"""The wires: a bridge per network, and namespaces for clients and members.

The sandbox's own namespace is the controller's; it holds the bridges and has an address on the management network only.
"""

from lab.commands import run

CONTROLLER = "198.18.0.1"
CLIENT = "203.0.113.200"
CLIENT6 = "2001:db8:1::200"
GATEWAY = "203.0.113.1"
GATEWAY6 = "2001:db8:1::1"

#: The name of each network's bridge.
BRIDGES = ("mgmt", "vip", "members")


def build():
    """Makes bridges and namespaces; the kernel removes them with the sandbox."""
    run("ip", "link", "set", "lo", "up")
    for bridge in BRIDGES:
        run("ip", "link", "add", bridge, "type", "bridge", "forward_delay", 0, "mcast_snooping", 0)
        run("ip", "link", "set", bridge, "up")
    run("ip", "addr", "add", f"{CONTROLLER}/24", "dev", "mgmt")
    _namespace("client", "vip", [f"{CLIENT}/24", f"{CLIENT6}/64", f"{GATEWAY}/24", f"{GATEWAY6}/64"])
    _namespace("members", "members", [
        *(f"10.1.0.{host}/24" for host in (1, 101, 102, 103)), "2001:db8:2::1/64", "2001:db8:2::101/64"])


def _namespace(name, bridge, addresses):
    run("ip", "netns", "add", name)
    wire = f"{bridge}-{name}"[:15]
    run("ip", "link", "add", wire, "type", "veth", "peer", "name", "eth0", "netns", name)
    run("ip", "link", "set", wire, "master", bridge, "up")
    run("ip", "-n", name, "link", "set", "lo", "up")
    run("ip", "-n", name, "link", "set", "eth0", "up")
    for address in addresses:
        extra = ["nodad"] if ":" in address else []
        run("ip", "-n", name, "addr", "add", address, "dev", "eth0", *extra)


def plug(bridge, pid, mac, name, wire):
    """Plugs a NIC into the network namespace of a process, as a cloud does into a VM: down, without an address."""
    run("ip", "link", "del", wire, check=False)
    run("ip", "link", "add", wire, "type", "veth", "peer", "name", name, "address", mac, "netns", pid)
    run("ip", "link", "set", wire, "master", bridge, "up")
