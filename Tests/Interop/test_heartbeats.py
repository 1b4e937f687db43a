"""Heartbeats of a single amphora, received and verified by Octavia's health manager socket (contract heartbeat §2)."""

import pytest

from lab import models, network, traffic
from lab.controller import FAST

@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    result = models.load_balancer([single.row])
    single.plug(result)
    watched = models.pool(result, [
        models.member("10.1.0.101", 8080), models.member("10.1.0.102", 8080),
        models.member("10.1.0.103", 8080, weight=0), models.member("10.1.0.103", 8081, enabled=False)])
    models.monitor(watched)
    models.listener(result, "HTTP", 80, watched)
    models.listener(result, "TCP", 9000, models.pool(result, [("10.1.0.101", 9000)], "TCP"))
    controller.driver.update_amphora_listeners(result, single.row, FAST)
    return result


def _statuses(message, pool):
    key = next(key for key in message["pools"] if key.startswith(pool.id))
    return [message["pools"][key]["members"].get(member.id) for member in pool.members]


def test_every_listener_is_open_with_five_counters(controller, single, balancer):
    message = controller.heartbeat(single.row.id, lambda message: len(message["listeners"]) == 2)
    assert set(message["listeners"]) == {row.id for row in balancer.listeners}
    for listener in message["listeners"].values():
        assert listener["status"] == "OPEN"
        assert set(listener["stats"]) >= {"tx", "rx", "conns", "totconns", "ereq"}
        assert all(type(value) is int and value >= 0 for value in listener["stats"].values())


def test_pools_are_named_by_pool_and_listener(controller, single, balancer):
    message = controller.heartbeat(single.row.id, lambda message: len(message["pools"]) == 2)
    assert set(message["pools"]) == {f"{row.default_pool.id}:{row.id}" for row in balancer.listeners}


def test_members_are_up_draining_disabled_or_unchecked(controller, single, balancer):
    watched, unchecked = (row.default_pool for row in balancer.listeners)
    message = controller.heartbeat(
        single.row.id, lambda message: _statuses(message, watched) == ["UP", "UP", "DRAIN", "MAINT"])
    assert _statuses(message, unchecked) == ["no check"]


def test_a_member_that_stops_is_down_and_comes_back(controller, single, balancer, members):
    watched = balancer.listeners[0].default_pool
    members["m2"].stop()
    try:
        controller.heartbeat(single.row.id, lambda message: (_statuses(message, watched)[1] or "").startswith("DOWN"))
    finally:
        members["m2"].start()
    controller.heartbeat(single.row.id, lambda message: _statuses(message, watched)[1] == "UP")


def test_traffic_is_counted_once(controller, single, balancer):
    """Deltas of all heartbeats add up to what was requested, over a restart of the agent too."""
    listener = balancer.listeners[0].id
    controller.drain_heartbeats()
    traffic.bodies("http://203.0.113.10/", count=30)
    single.container.execute("systemctl", "restart", "amphora-agent.service")
    traffic.bodies("http://203.0.113.10/", count=12)
    seen = []

    def add(message):
        seen.append(message["listeners"].get(listener, {}).get("stats", {}).get("totconns", 0))
        return sum(seen) >= 42 and seen[-1] == 0

    controller.heartbeat(single.row.id, add, 30)
    assert sum(seen) == 42


def test_new_key_and_destination_arrive_with_the_configuration(controller, single):
    text = controller.agent_config(single.row.id, "SINGLE")
    old, new = f"{network.CONTROLLER}:5555", f"{network.CONTROLLER}:5556"
    assert old in text and "heartbeat_key = interop &amp; &lt;key&gt;" in text
    changed = text.replace(old, new).replace("interop &amp; &lt;key&gt;", "another")
    try:
        controller.driver.update_amphora_agent_config(single.row, changed, FAST)
        controller.receiver.update("another", network.CONTROLLER, 5556)
        controller.heartbeat(single.row.id, lambda message: message["listeners"])
    finally:
        controller.receiver.update(controller.options.health_manager.heartbeat_key, network.CONTROLLER, 5555)
        controller.driver.update_amphora_agent_config(single.row, text, FAST)
    controller.heartbeat(single.row.id, lambda message: message["listeners"])


def test_a_dead_haproxy_is_left_out_while_the_amphora_stays_alive(controller, single, balancer):
    unit = f"haproxy-{balancer.id}.service"
    single.container.execute("systemctl", "stop", unit)
    controller.heartbeat(single.row.id, lambda message: message["listeners"] == {} and message["pools"] == {})
    single.container.execute("systemctl", "start", unit)
    controller.heartbeat(single.row.id, lambda message: len(message["listeners"]) == 2)
