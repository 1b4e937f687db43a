"""Two amphorae of one load balancer with keepalived: the VIP is on exactly one, and moves when that one fails."""

import pytest

from lab import models, pairs, traffic
from lab.commands import wait_until
from lab.controller import FAST
from lab.pairs import VRRP

HTTP = "http://203.0.113.10/"
VIP = "203.0.113.10/32"
#: The longest time without an answer that a takeover may cost, in seconds.
PATIENCE = 8


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, pair, members):
    result = models.load_balancer([amphora.row for amphora in pair], topology="ACTIVE_STANDBY")
    pairs.deploy(controller, pair, result, models.pool(result, [("10.1.0.101", 8080), ("10.1.0.102", 8080)]))
    return result


def _holders(pair):
    return pairs.holders(pair, VIP)


def _holder(pair):
    return pairs.holder(pair, VIP)


def test_the_vip_is_on_exactly_one_and_answers(pair, balancer):
    _holder(pair)
    assert traffic.bodies(HTTP, count=10) == {"m1", "m2"}


def test_haproxy_runs_on_both_and_knows_its_peer(pair, balancer):
    for amphora in pair:
        assert amphora.container.state(f"haproxy-{balancer.id}.service") == "active"
        assert amphora.container.state(VRRP) == "active"
        configuration = amphora.container.read(f"/var/lib/octavia/{balancer.id}/haproxy.cfg")
        peers = dict(line.split()[1:3] for line in configuration.splitlines() if line.split()[:1] == ["peer"])
        own = amphora.container.property(f"haproxy-{balancer.id}.service", "ExecStart").split(" -L ")[1].split()[0]
        assert peers[own] == f"{amphora.row.vrrp_ip}:1025" and len(peers) == 2


def test_both_send_heartbeats(controller, pair, balancer):
    for amphora in pair:
        controller.heartbeat(amphora.row.id, lambda message: len(message["listeners"]) == 1)


def test_upload_and_start_again_do_not_move_the_vip(controller, pair, balancer):
    holder = _holder(pair)
    for amphora in pair:
        controller.driver.update_vrrp_conf(balancer, models.network_config(amphora.row, balancer), amphora.row, FAST)
        controller.driver.start_vrrp_service(amphora.row, FAST)
    controller.driver.reload_vrrp_service(balancer)
    assert _holder(pair) is holder


def test_a_killed_haproxy_costs_seconds_at_most(pair, balancer):
    holder = _holder(pair)
    load = traffic.Load(HTTP, "--timeout", 1, "--pause", 0.05)
    holder.container.execute("systemctl", "kill", "--signal=KILL", f"haproxy-{balancer.id}.service")
    wait_until("haproxy runs again", lambda: holder.container.state(f"haproxy-{balancer.id}.service") == "active")
    _holder(pair)
    result = load.stop()
    assert traffic.outage(result) <= PATIENCE, result["failures"]
    assert traffic.bodies(HTTP, count=10) == {"m1", "m2"}


def test_a_haproxy_that_stays_down_moves_the_vip_and_it_stays_there(pair, balancer):
    holder = _holder(pair)
    load = traffic.Load(HTTP, "--timeout", 1, "--pause", 0.05)
    holder.container.execute("systemctl", "stop", f"haproxy-{balancer.id}.service")
    wait_until("the VIP has moved", lambda: _holders(pair) == [pairs.other(pair, holder)], 30, every=0.1)
    assert _holder(pair) is pairs.other(pair, holder)
    # keepalived asks every 5 s and believes the second failure: the controller's defaults. The check on the master watches
    # for the first 4 s of these, so the end is the first failure and the next check the second: after 5 s, or after 6 when
    # haproxy ends in the last second before a check. The backup, told by a last message, waits another 0.65 s, (256 - 90) /
    # 256 of the advertisement interval. With checks of one look it would be 5 to 10 s.
    assert traffic.outage_until_answered(load, HTTP) <= PATIENCE
    holder.container.execute("systemctl", "start", f"haproxy-{balancer.id}.service")
    assert _holder(pair) is pairs.other(pair, holder)


def test_a_killed_keepalived_moves_the_vip_silences_the_heartbeat_and_does_not_take_it_back(controller, pair, balancer):
    holder = _holder(pair)
    load = traffic.Load(HTTP, "--timeout", 1, "--pause", 0.05)
    holder.container.execute("kill", "-KILL", holder.container.property(VRRP, "MainPID"))
    wait_until("the VIP has moved", lambda: _holders(pair) == [pairs.other(pair, holder)], 30, every=0.1)
    assert traffic.outage_until_answered(load, HTTP) <= PATIENCE
    controller.drain_heartbeats()
    with pytest.raises(AssertionError):
        controller.heartbeat(holder.row.id, seconds=5)
    controller.driver.start_vrrp_service(holder.row, FAST)
    assert holder.container.state(VRRP) == "active"
    assert _holder(pair) is pairs.other(pair, holder)
    controller.heartbeat(holder.row.id)


def test_a_dead_amphora_loses_the_vip_and_does_not_take_it_back(pair, balancer):
    holder = _holder(pair)
    load = traffic.Load(HTTP, "--timeout", 1, "--pause", 0.05)
    holder.container.kill()
    wait_until("the VIP has moved", lambda: _holders(pair) == [pairs.other(pair, holder)], 30, every=0.1)
    assert traffic.outage_until_answered(load, HTTP) <= PATIENCE
    holder.container.boot()
    holder.wait()
    wait_until("keepalived runs", lambda: holder.container.state(VRRP) == "active")
    assert _holder(pair) is pairs.other(pair, holder)
    assert traffic.bodies(HTTP, count=10) == {"m1", "m2"}


def test_deleting_the_listener_leaves_a_passing_check(controller, pair, balancer):
    controller.driver.delete(balancer.listeners[0])
    for amphora in pair:
        text = amphora.container.read("/var/lib/octavia/vrrp/check_scripts/haproxy_check_script.sh")
        assert text == "haproxy-vrrp-check ; exit $?"
        # It fails when the status is another than 0.
        amphora.container.execute("bash", "/var/lib/octavia/vrrp/check_script.sh")


def test_stop_takes_the_vip_from_both(controller, pair, balancer):
    controller.driver.stop_vrrp_service(balancer)
    wait_until("nobody has the VIP", lambda: _holders(pair) == [], 10)
    for amphora in pair:
        assert amphora.container.state(VRRP) == "inactive"
