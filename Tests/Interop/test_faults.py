"""Faults under systemd: configurations that do not start, crashes, and calls that collide."""

import concurrent.futures

import pytest
from octavia.amphorae.drivers.haproxy import exceptions

from lab import models, traffic
from lab.commands import wait_until

FAST = {"conn_max_retries": 2, "conn_retry_interval": 0.5, "req_conn_timeout": 5, "req_read_timeout": 60}
HTTP = "http://203.0.113.10/"


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    result = models.load_balancer([single.row])
    single.plug(result)
    models.listener(result, "HTTP", 80, models.pool(result, [("10.1.0.101", 8080)]))
    controller.driver.update_amphora_listeners(result, single.row, FAST)
    return result


@pytest.fixture(name="taken_port")
def _taken_port(single):
    """A port of the VIP that somebody else listens on, so that haproxy cannot."""
    machine = single.container
    # netcat would share the port (SO_REUSEPORT).
    machine.write("/run/squatter.cfg", "global\n noreuseport\ndefaults\n mode tcp\n timeout client 9s\n"
                  "frontend squatter\n bind 203.0.113.10:8888\n")
    machine.execute("systemd-run", "--unit=squatter", "ip", "netns", "exec", "amphora-haproxy",
                    "haproxy", "-db", "-f", "/run/squatter.cfg")
    wait_until("the port is taken", lambda: ":8888" in machine.traffic("ss", "-Hltn"))
    yield 8888
    machine.execute("systemctl", "stop", "squatter.service")


def test_a_configuration_that_does_not_start_leaves_the_last_one_running(controller, single, balancer, taken_port, caplog):
    path = f"/var/lib/octavia/{balancer.id}/haproxy.cfg"
    before = single.container.read(path)
    extra = models.listener(balancer, "HTTP", taken_port, balancer.pools[0])
    load = traffic.Load(HTTP, "--timeout", 5)
    with pytest.raises(exceptions.InternalServerError):
        controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    result = load.stop()
    balancer.listeners.remove(extra)
    assert single.container.read(path) == before
    assert single.container.state(f"haproxy-{balancer.id}.service") == "active"
    assert traffic.bodies(HTTP) == {"m1"}
    assert traffic.outage(result) < 5
    assert "8888" in caplog.text, "the answer names the reason"


def test_the_first_configuration_that_does_not_start_is_an_error_too(controller, single, taken_port, caplog):
    other = models.load_balancer([single.row])
    models.listener(other, "HTTP", taken_port, models.pool(other, [("10.1.0.101", 8080)]))
    with pytest.raises(exceptions.InternalServerError):
        controller.driver.update_amphora_listeners(other, single.row, FAST)
    assert "8888" in caplog.text, "the answer names the reason"
    controller.driver.delete(other.listeners[0])
    assert single.container.state(f"haproxy-{other.id}.service") in ("inactive", "failed")
    assert not single.container.exists(f"/var/lib/octavia/{other.id}")


def test_a_crashed_haproxy_is_started_again(controller, single, balancer):
    unit = f"haproxy-{balancer.id}.service"
    main = single.container.property(unit, "MainPID")
    single.container.execute("systemctl", "kill", "--signal=KILL", unit)
    wait_until("it runs again", lambda: single.container.state(unit) == "active" and
               single.container.property(unit, "MainPID") != main)
    wait_until("it answers", lambda: traffic.get(HTTP)["bodies"], 5)
    controller.heartbeat(single.row.id, lambda message: balancer.listeners[0].id in message["listeners"])


def test_colliding_calls_on_one_load_balancer_all_succeed(controller, single, balancer):
    client = controller.driver.clients["1.0"]
    text = single.container.read(f"/var/lib/octavia/{balancer.id}/haproxy.cfg")

    def call(turn):
        if turn % 3 == 0:
            client.upload_config(single.row, balancer.id, text)
        client.reload_listener(single.row, balancer.id)

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(call, range(12)))
    assert traffic.bodies(HTTP) == {"m1"}


def test_no_children_speak_on_the_agents_notify_socket(single, balancer):
    assert "Got notification message" not in single.container.execute("journalctl", "--no-pager")
