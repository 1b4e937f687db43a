"""Pairs whose VIPs are IPv6 addresses: one with an IPv6 VIP alone, one with an additional IPv6 VIP beside the IPv4 one."""

import pytest

from lab import models, pairs, traffic
from lab.commands import wait_until
from lab.controller import FAST
from lab.pairs import VRRP

#: The longest time without an answer that a takeover may cost, in seconds.
PATIENCE = 8
VIP, VIP6 = f"{models.VIP}/32", f"{models.VIP6}/128"
HTTP, HTTP6 = f"http://{models.VIP}/", f"http://[{models.VIP6}]/"

pytestmark = pytest.mark.parametrize("pair", ["IPv6", "dual stack"], indirect=True, scope="module")


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, pair, members):
    primary = pair[0].row.ha_ip
    result = models.load_balancer(
        [amphora.row for amphora in pair], primary, "ACTIVE_STANDBY",
        additional=[] if primary == models.VIP6 else [models.VIP6])
    pairs.deploy(controller, pair, result, models.pool(result, [("10.1.0.101", 8080), ("2001:db8:2::101", 8080)]))
    return result


@pytest.fixture(name="vips")
def _vips(balancer):
    return [VIP6] if balancer.vip.ip_address == models.VIP6 else [VIP, VIP6]


@pytest.fixture(name="urls")
def _urls(vips):
    return [HTTP if vip == VIP else HTTP6 for vip in vips]


def test_all_vips_are_on_exactly_one_and_answer(pair, balancer, vips, urls):
    pairs.holder(pair, *vips)
    for url in urls:
        assert traffic.bodies(url, count=10) == {"m1", "m6"}


def test_haproxy_runs_on_both_though_only_one_has_the_vips(pair, balancer, vips):
    """It binds addresses that the backup does not have."""
    for amphora in pair:
        assert amphora.container.state(f"haproxy-{balancer.id}.service") == "active"
        listening = amphora.container.traffic("ss", "-Hltn")
        assert all(f"{vip.split('/')[0]}]:80" in listening or f"{vip.split('/')[0]}:80" in listening for vip in vips)


def test_the_master_alone_routes_from_the_vips_through_their_own_table(pair, balancer, vips):
    master = pairs.holder(pair, *vips)
    backup = pairs.other(pair, master)
    assert "from 2001:db8:1::10 lookup 1 proto keepalived" in master.container.traffic("ip", "-6", "rule")
    table = [line.split(" metric")[0] for line in
             master.container.traffic("ip", "-6", "route", "show", "table", "1", "proto", "keepalived").splitlines()]
    assert "2001:db8:1::/64 dev eth1 src 2001:db8:1::10" in table
    assert "default via 2001:db8:1::1 dev eth1" in table
    assert "keepalived" not in backup.container.traffic("ip", "-6", "rule")
    assert not backup.container.traffic("ip", "-6", "route", "show", "table", "1", "proto", "keepalived")


def test_members_on_the_vip_network_leave_the_vips_where_they_are(controller, pair, balancer, vips, urls):
    """The VIP port is plugged again on both; what keepalived has put there is not the agent's."""
    master = pairs.holder(pair, *vips)
    before = master.container.traffic("ip", "-6", "route", "show", "table", "1")
    for amphora in pair:
        more = [(f"2001:db8:1::1{amphora.number}", models.VIP6_SUBNET)]
        network = {"vip_subnet": amphora.vip_subnet.to_dict(recurse=True)}
        controller.driver.post_network_plug(amphora.row, amphora.vip_port(more), network)
        assert f"{more[0][0]}/64" in amphora.container.addresses("eth1")
        controller.driver.post_network_plug(amphora.row, amphora.vip_port(), network)
        assert f"{more[0][0]}/64" not in amphora.container.addresses("eth1")
    assert pairs.holder(pair, *vips) is master
    assert master.container.traffic("ip", "-6", "route", "show", "table", "1") == before
    for url in urls:
        assert traffic.bodies(url, count=4) == {"m1", "m6"}


def test_a_killed_keepalived_moves_all_vips_and_does_not_take_them_back(controller, pair, balancer, vips, urls):
    master = pairs.holder(pair, *vips)
    loads = [traffic.Load(url, "--timeout", 1, "--pause", 0.05) for url in urls]
    master.container.execute("kill", "-KILL", master.container.property(VRRP, "MainPID"))
    assert pairs.holder([pairs.other(pair, master)], *vips) is pairs.other(pair, master)
    for load, url in zip(loads, urls):
        assert traffic.outage_until_answered(load, url) <= PATIENCE
    controller.driver.start_vrrp_service(master.row, FAST)
    assert pairs.holder(pair, *vips) is pairs.other(pair, master)


def test_a_dead_amphora_loses_all_vips_and_does_not_take_them_back(pair, balancer, vips, urls):
    master = pairs.holder(pair, *vips)
    loads = [traffic.Load(url, "--timeout", 1, "--pause", 0.05) for url in urls]
    master.container.kill()
    assert pairs.holder(pair, *vips) is pairs.other(pair, master)
    for load, url in zip(loads, urls):
        assert traffic.outage_until_answered(load, url) <= PATIENCE
    master.container.boot()
    master.wait()
    wait_until("keepalived runs", lambda: master.container.state(VRRP) == "active")
    assert pairs.holder(pair, *vips) is pairs.other(pair, master)
    for url in urls:
        assert traffic.bodies(url, count=10) == {"m1", "m6"}
