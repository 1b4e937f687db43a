"""Traffic through one amphora: protocols, policies, monitors, both address families, and reloads under load."""

import pytest

from lab import models, traffic
from lab.commands import run, wait_until
from lab.controller import FAST

HTTP, HTTP6 = "http://203.0.113.10/", "http://[2001:db8:1::10]/"


def workers(single):
    """How haproxy's old workers ended: a crash of one is haproxy's, and costs the requests that it held."""
    return single.container.execute("sh", "-c", "journalctl -o short-precise --no-pager | grep 'exited with code' || true")


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    result = models.load_balancer([single.row], additional=[models.VIP6])
    single.plug(result)
    web = models.pool(result, [("10.1.0.101", 8080), ("10.1.0.102", 8080)])
    six = models.pool(result, [("2001:db8:2::101", 8080)])
    models.path_policy(models.listener(result, "HTTP", 80, web), "/six", six)
    models.listener(result, "TCP", 9000, models.pool(result, [("10.1.0.101", 9000)], "TCP"))
    models.listener(result, "TERMINATED_HTTPS", 443, web,
                    tls_certificate_id=controller.tenant_certificate("www.example.com"))
    for port, address in ((8081, "10.1.0.103"), (8082, "2001:db8:2::101")):
        pinged = models.pool(result, [(address, 8080)])
        models.monitor(pinged, "PING")
        models.listener(result, "HTTP", port, pinged)
    controller.driver.update_amphora_listeners(result, single.row, FAST)
    return result


def test_http_requests_are_spread_over_the_members(balancer):
    assert traffic.bodies(HTTP, count=20) == {"m1", "m2"}


def test_the_additional_vip_answers_on_ipv6(single, balancer):
    assert "2001:db8:1::10/128" in single.container.addresses("eth1")
    assert traffic.bodies(HTTP6, count=20) == {"m1", "m2"}


def test_tcp_is_passed_through(balancer):
    assert traffic.line("203.0.113.10", 9000, "hello") == "m1 hello"


def test_a_path_policy_sends_to_another_pool_with_ipv6_members(balancer):
    assert traffic.bodies(f"{HTTP}six/1", count=4) == {"m6"}


def test_tls_is_terminated_on_both_families(balancer):
    for address in ("203.0.113.10", "[2001:db8:1::10]"):
        assert traffic.bodies(f"https://{address}/", "--host", "www.example.com", count=4) <= {"m1", "m2"}


@pytest.mark.parametrize(("port", "address", "name"), [
    (8081, "10.1.0.103/24", "m3"), (8082, "2001:db8:2::101/64", "m6")], ids=["IPv4", "IPv6"])
def test_a_ping_monitor_follows_the_members_address(controller, single, balancer, port, address, name):
    listener = next(row for row in balancer.listeners if row.protocol_port == port)
    key = f"{listener.default_pool.id}:{listener.id}"

    def await_status(status):
        controller.heartbeat(single.row.id, lambda message: message["pools"].get(key, {}).get("status") == status)

    await_status("UP")
    assert traffic.bodies(f"http://203.0.113.10:{port}/") == {name}
    run("ip", "-n", "members", "addr", "del", address, "dev", "eth0")
    try:
        await_status("DOWN")
    finally:
        run("ip", "-n", "members", "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
    await_status("UP")


def test_twenty_reloads_under_load_lose_no_request(controller, single, balancer):
    load = traffic.Load(HTTP, "--threads", 4, "--timeout", 10)
    for _ in range(20):
        controller.driver.reload(balancer, single.row, FAST)
    result = load.stop()
    assert result["requests"] > 200
    assert result["failures"] == [], workers(single)


def test_twenty_changed_configurations_under_load_lose_no_request(controller, single, balancer):
    load = traffic.Load(HTTP, "--threads", 4, "--timeout", 10)
    for turn in range(20):
        balancer.listeners[1].connection_limit = 500 + turn
        controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    result = load.stop()
    assert result["requests"] > 200
    assert result["failures"] == [], workers(single)


def test_a_killed_agent_leaves_traffic_alone(controller, single, balancer):
    load = traffic.Load(HTTP, "--timeout", 5)
    killed = single.container.property("amphora-agent.service", "MainPID")
    single.container.execute("systemctl", "kill", "--signal=KILL", "amphora-agent.service")
    wait_until("the agent is started again", lambda: single.container.property(
        "amphora-agent.service", "MainPID") not in ("0", killed))
    single.wait()
    result = load.stop()
    assert result["requests"] > 20 and result["failures"] == []
