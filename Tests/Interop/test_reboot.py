"""Reboot: everything comes back from disk, without a controller."""

import pytest

from lab import models, traffic
from lab.commands import wait_until
from lab.controller import FAST

HTTP = "http://203.0.113.10/"


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    result = models.load_balancer([single.row], additional=[models.VIP6])
    single.plug(result)
    models.listener(result, "HTTP", 80, models.pool(result, [("10.1.0.101", 8080)]))
    controller.driver.update_amphora_listeners(result, single.row, FAST)
    assert traffic.bodies(HTTP) == {"m1"}
    return result


def _state(machine):
    return {
        "addresses": {name: sorted(machine.addresses(name)) for name in ("eth1", "eth2")},
        # The kernel's own routes come and go with link-local addresses.
        "routes": {(family, table): sorted(machine.traffic(
            "ip", family, "route", "show", "table", table, "proto", "static").splitlines())
            for family in ("-4", "-6") for table in ("main", "1")},
        "rules": machine.traffic("ip", "rule").splitlines(),
        "nft": machine.traffic("nft", "list", "ruleset"),
        "forwarding": machine.traffic("sysctl", "-n", "net.ipv4.ip_forward", "net.ipv4.ip_nonlocal_bind",
                                      "net.core.somaxconn"),
    }


def _assert_same(after, before):
    assert all(before["routes"].values()) and before["rules"] and "masquerade" in before["nft"]
    for key, value in before.items():
        assert after[key] == value, key


def _answers():
    return traffic.get(HTTP, "--timeout", 1)["bodies"] == {"m1": 1}


@pytest.mark.parametrize("delay", [0, 6, 15], ids=["NICs present at boot", "NICs 6 s late", "NICs 15 s late"])
def test_a_reboot_brings_traffic_back(single, balancer, delay):
    before = _state(single.container)
    single.container.reboot(delay)
    wait_until("requests are answered", _answers, 20, every=0.2)
    _assert_same(_state(single.container), before)
    assert single.container.state(f"haproxy-{balancer.id}.service") == "active"


def test_the_agent_is_in_order_after_the_reboot(controller, single, balancer):
    single.wait()
    assert controller.driver.get_interface_from_ip(single.row, "203.0.113.10") == "eth1"
    controller.heartbeat(single.row.id, lambda message: len(message["listeners"]) == 1)
    controller.driver.reload(balancer, single.row, FAST)


def test_power_loss_brings_traffic_back(single, balancer):
    before = _state(single.container)
    single.container.kill()
    single.container.boot()
    wait_until("requests are answered", _answers, 20, every=0.2)
    _assert_same(_state(single.container), before)
    assert single.container.state(f"haproxy-{balancer.id}.service") == "active"
