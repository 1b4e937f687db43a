"""An SR-IOV VIP: Octavia's driver plugs it and sets its rules; a client sees what comes through (contract networking §6)."""

import pytest

from lab import models, traffic
from lab.commands import run, wait_until
from lab.controller import FAST

RULES = "/var/lib/octavia/nftables-vip.rules"
WEB = {"protocol": "TCP", "cidr": "203.0.113.0/24", "port": 80}


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    balancer = models.load_balancer([single.row])
    balancer.vip.vnic_type = "direct"
    single.plug(balancer)
    models.listener(balancer, "HTTP", 80, models.pool(balancer, [("10.1.0.101", 8080)]))
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    single.settle(balancer)
    return balancer


def _set(controller, single, rules):
    controller.driver.clients["1.0"].set_interface_rules(single.row, single.row.vrrp_ip, rules)


def test_before_its_rules_nothing_comes_in(single, balancer):
    assert single.container.execute("stat", "-c", "%a", RULES).strip() == "600"
    assert "policy drop" in single.container.traffic("nft", "list", "table", "inet", "amphora_table")
    assert traffic.get("http://203.0.113.10/")["failures"]


def test_set_interface_rules_lets_in_what_they_name(controller, single, balancer):
    peer = {"protocol": "vrrp", "cidr": "203.0.113.12/32", "port": 112}
    controller.driver.set_interface_rules(
        single.row, single.row.vrrp_ip, [WEB, {"protocol": "UDP", "cidr": None, "port": 53}, peer], FAST)
    # The member's port is an ordinary one; its answers come in as parts of haproxy's connections.
    assert traffic.bodies("http://203.0.113.10/", count=5) == {"m1"}
    run("ip", "netns", "exec", "client", "sh", "-c", "! ping -c 1 -W 1 203.0.113.10")


def test_another_network_is_kept_out(controller, single, balancer):
    _set(controller, single, [dict(WEB, cidr="192.0.2.0/24")])
    assert traffic.get("http://203.0.113.10/")["failures"]


def test_no_rules_close_it_again(controller, single, balancer):
    _set(controller, single, [WEB])
    assert traffic.bodies("http://203.0.113.10/") == {"m1"}
    _set(controller, single, [])
    assert traffic.get("http://203.0.113.10/")["failures"]


def test_the_rules_come_back_with_a_boot(controller, single, balancer):
    _set(controller, single, [WEB])
    before = single.container.traffic("nft", "list", "table", "inet", "amphora_table")
    single.container.reboot()
    single.wait()
    wait_until("it answers after the boot", lambda: not traffic.get("http://203.0.113.10/")["failures"], 30)
    assert single.container.traffic("nft", "list", "table", "inet", "amphora_table") == before
