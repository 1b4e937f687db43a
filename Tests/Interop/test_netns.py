"""amphora-netns.service under systemd: the settings it makes and where, steps that fail, and when it runs again (contract
networking §1.2 and §1.3)."""

import pytest

from lab import models, traffic
from lab.commands import wait_until
from lab.controller import FAST

UNIT = "amphora-netns.service"
HTTP = "http://203.0.113.10/"

#: What a run leaves in the namespace, by key: the unit's own settings and those of the image's files.
INSIDE = {
    "net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1", "net.ipv4.vs.conntrack": "1",
    "net.ipv4.vs.expire_nodest_conn": "1", "net.ipv4.vs.expire_quiescent_template": "1",
    "net.ipv4.ip_nonlocal_bind": "1", "net.ipv6.ip_nonlocal_bind": "1", "net.ipv4.ping_group_range": "0 2147483647",
    "net.ipv4.tcp_max_tw_buckets": "5800000", "net.ipv4.tcp_max_syn_backlog": "100000",
    "net.ipv4.tcp_keepalive_time": "300", "net.ipv4.tcp_tw_reuse": "1", "net.ipv4.tcp_synack_retries": "3",
    "net.ipv4.tcp_mtu_probing": "1", "net.ipv4.tcp_fin_timeout": "5", "net.ipv4.tcp_rmem": "4096 87380 33554432",
    "net.ipv4.tcp_wmem": "4096 87380 33554432", "net.ipv4.ip_local_port_range": "1025 65534",
    "net.core.somaxconn": "65534", "net.netfilter.nf_conntrack_tcp_timeout_time_wait": "5",
    "net.netfilter.nf_conntrack_tcp_timeout_fin_wait": "5",
}
#: Keys that a kernel may lack: ip_vs and nf_conntrack are modules.
OPTIONAL = ("net.ipv4.vs.", "net.netfilter.")
#: What it sets outside, because a namespace may not.
OUTSIDE = {"nf_conntrack_buckets": "125000", "nf_conntrack_max": "125000", "nf_conntrack_expect_max": "488"}


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    result = models.load_balancer([single.row])
    single.plug(result)
    models.listener(result, "HTTP", 80, models.pool(result, [("10.1.0.101", 8080)]))
    controller.driver.update_amphora_listeners(result, single.row, FAST)
    assert traffic.bodies(HTTP) == {"m1"}
    return result


def _unit(balancer):
    return f"haproxy-{balancer.id}.service"


def _runs(machine):
    """A mark that is another after each run of the unit."""
    return machine.property(UNIT, "ExecMainStartTimestampMonotonic")


def _stop(machine, *balancers):
    """Stops haproxies that are the last ones; returns when the unit has gone with them."""
    machine.execute("systemctl", "stop", *map(_unit, balancers))
    wait_until(f"{UNIT} is stopped", lambda: machine.state(UNIT) == "inactive")


def _start(machine, balancer):
    machine.execute("systemctl", "start", _unit(balancer))
    assert machine.state(UNIT) == "active"
    wait_until("requests are answered", lambda: traffic.get(HTTP, "--timeout", 1)["bodies"] == {"m1": 1}, 20)


def _differing(machine):
    found = {}
    for key, value in INSIDE.items():
        if not machine.exists(f"/proc/sys/{key.replace('.', '/')}") and key.startswith(OPTIONAL):
            continue
        is_there = " ".join(machine.traffic("sysctl", "-n", key).split())
        if is_there != value:
            found[key] = is_there
    return found


def test_every_setting_has_its_value_in_the_namespace(single, balancer):
    assert _differing(single.container) == {}


def test_it_goes_with_the_last_service_and_runs_again_with_the_next(controller, single, balancer):
    machine = single.container
    other = models.load_balancer([single.row])
    models.listener(other, "HTTP", 8088, models.pool(other, [("10.1.0.101", 8080)]))
    controller.driver.update_amphora_listeners(other, single.row, FAST)
    first = _runs(machine)
    # One of two stops and starts: the other one still needs the namespace.
    machine.execute("systemctl", "stop", _unit(balancer))
    _start(machine, balancer)
    assert _runs(machine) == first

    _stop(machine, balancer, other)
    # All that a run makes is made again by the next.
    machine.traffic("sysctl", "-w", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0",
                    "net.ipv4.tcp_fin_timeout=60")
    machine.traffic("ip", "addr", "flush", "dev", "eth2")
    machine.traffic("ip", "link", "set", "lo", "down")
    _start(machine, balancer)
    assert _runs(machine) != first
    assert _differing(machine) == {}
    controller.driver.delete(other.listeners[0])


@pytest.fixture(name="stand_ins")
def _stand_ins(single, balancer):
    """Failing programs in the places of modprobe and sysctl, and files in the places of root's conntrack settings: those
    are the host's, and a container may not change them."""
    machine = single.container
    _stop(machine, balancer)
    for program in ("modprobe", "sysctl"):
        machine.write(
            f"/usr/local/sbin/{program}",
            f'#!/bin/sh\necho "{program} $* in $(readlink /proc/self/ns/net)" >> /run/calls\nexit 1\n', 0o755)
    mounted = []
    for key in OUTSIDE:
        target = f"/proc/sys/net/netfilter/{key}"
        if machine.exists(target):
            machine.write(f"/run/{key}", "0")
            # Seen from the machine's own network namespace only, as each has settings of its own there.
            machine.execute("mount", "--bind", f"/run/{key}", target)
            mounted.append(key)
    yield mounted
    for key in mounted:
        machine.execute("umount", f"/proc/sys/net/netfilter/{key}")
    machine.execute("rm", "-f", "/usr/local/sbin/modprobe", "/usr/local/sbin/sysctl", "/run/calls",
                    "/etc/octavia/interfaces/eth8.json", "/etc/octavia/interfaces/eth9.json")


def test_steps_that_fail_stop_neither_the_others_nor_haproxy(single, balancer, stand_ins):
    machine = single.container
    machine.write("/etc/octavia/interfaces/eth8.json", "{ torn")
    machine.write("/etc/octavia/interfaces/eth9.json", '{"name": "eth9", "if_type": "backend"}')
    machine.traffic("/usr/sbin/sysctl", "-w", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0")
    machine.traffic("ip", "addr", "flush", "dev", "eth1")
    before = _runs(machine)
    _start(machine, balancer)
    assert _runs(machine) != before
    # It did fail, and systemd was told not to mind.
    assert machine.property(UNIT, "ExecMainStatus") == "2"
    assert machine.property(UNIT, "Result") == "success"
    inside = machine.traffic("readlink", "/proc/self/ns/net").strip()
    assert f"modprobe ip_vs in {inside}" in machine.read("/run/calls")
    assert f"sysctl --system in {inside}" in machine.read("/run/calls")
    for key in stand_ins:
        assert machine.read(f"/run/{key}") == OUTSIDE[key], key
    for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv6.ip_nonlocal_bind"):
        assert machine.traffic("/usr/sbin/sysctl", "-n", key).strip() == "1", key
    assert "203.0.113.10/32" in machine.addresses("eth1")


def test_conntrack_settings_were_tried_at_all(stand_ins):
    """The kernel of the tests has them, so that the test above shows something."""
    assert stand_ins == list(OUTSIDE)
