"""`amphora-agent doctor` on an amphora with traffic under systemd, and `doctor --fix` after several things were broken at once."""

import json

import pytest

from lab import models, traffic
from lab.commands import wait_until
from lab.controller import FAST

HTTP = "http://203.0.113.10/"
#: Of the machine that runs the tests, which may be full or without a time daemon.
NOISE = {"clock", "oom", "memory", "conntrack", "disk"}


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    result = models.load_balancer([single.row])
    single.plug(result)
    models.listener(result, "HTTP", 80, models.pool(result, [("10.1.0.101", 8080)]))
    controller.driver.update_amphora_listeners(result, single.row, FAST)
    single.settle(result)
    return result


def _failures(machine):
    findings = json.loads(machine.execute("amphora-agent", "doctor", "--json", check=False))["findings"]
    return {row["check"]: row["evidence"] for row in findings if row["verdict"] == "FAIL" and row["check"] not in NOISE}


def test_an_amphora_with_traffic_is_healthy(single, balancer):
    assert traffic.bodies(HTTP) == {"m1"}
    wait_until("nothing is wrong", lambda: _failures(single.container) == {}, 20)


def test_nothing_is_changed_where_nothing_is_wrong(single, balancer):
    machine = single.container
    unit = f"haproxy-{balancer.id}.service"
    before = machine.property(unit, "MainPID")
    assert "nothing was changed" in machine.execute("amphora-agent", "doctor", "--fix", check=False)
    assert machine.property(unit, "MainPID") == before


def test_what_is_on_disk_is_applied_again(single, balancer):
    machine = single.container
    unit = f"haproxy-{balancer.id}.service"
    machine.execute("systemctl", "disable", "--now", unit)
    machine.execute("rm", f"/usr/lib/systemd/system/{unit}")
    machine.execute("systemctl", "daemon-reload")
    # The namespace goes with the last service that needs it, or stays; both must be mended.
    machine.execute("sh", "-c", "ip -n amphora-haproxy addr del 203.0.113.10/32 dev eth1; "
                    "ip netns exec amphora-haproxy sysctl -qw net.ipv4.ip_nonlocal_bind=0; true")
    assert _failures(machine)
    output = machine.execute("amphora-agent", "doctor", "--fix", check=False)
    for text in (f"FIXED  {unit}: unit written", f"FIXED  {unit}: enabled", f"FIXED  {unit}: started"):
        assert text in output, output
    wait_until("requests are answered", lambda: traffic.get(HTTP, "--timeout", 1)["bodies"] == {"m1": 1}, 20)
    wait_until("nothing is wrong", lambda: _failures(machine) == {}, 20)
    assert machine.state(unit) == "active"
