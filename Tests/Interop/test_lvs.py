"""Octavia's operations on UDP and SCTP listeners (contract agent-api §4.3–§4.5) and what its health manager is told.

The members are switched off: keepalived then needs nothing of the kernel's load balancer, which the machine that runs this
may not have. Traffic is for the tests of the image, whose kernel has it.
"""

import hashlib

import pytest
from octavia.amphorae.drivers.haproxy import exceptions

from lab import models
from lab.api import call
from lab.commands import wait_until
from lab.controller import FAST

FOLDER = "/var/lib/octavia/lvs"


def _unit(listener):
    return f"octavia-keepalivedlvs-{listener.id}.service"


def _stem(listener):
    return f"{FOLDER}/octavia-keepalivedlvs-{listener.id}"


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single):
    result = models.load_balancer([single.row], additional=[models.VIP6])
    single.plug(result)
    return result


@pytest.fixture(scope="module", name="client")
def _client(controller, single):
    controller.driver.check(single.row, FAST)
    return controller.driver.clients["1.0"]


def _pool(balancer, protocol, *more):
    off = [models.member(f"10.1.0.{number}", 53, enabled=False) for number in (101, 102)]
    six = models.member("2001:db8:2::101", 53, enabled=False)
    return models.pool(balancer, [*off, six, *more], protocol)


def test_the_first_update_starts_a_keepalived_of_its_own(controller, single, balancer, client):
    row = models.listener(balancer, "UDP", 5353, _pool(balancer, "UDP"))
    models.monitor(row.default_pool, "UDP-CONNECT")
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    assert single.container.state(_unit(row)) == "active"
    assert single.container.execute("systemctl", "is-enabled", _unit(row)).strip() == "enabled"
    text = single.container.read(f"{_stem(row)}.conf")
    assert text == controller.driver.lvs_jinja.build_config(listener=row)
    assert "virtual_server group ipv6-group" in text
    main = single.container.property(_unit(row), "MainPID")
    assert single.container.read(f"{_stem(row)}.pid").strip() == main
    assert "amphora-haproxy" in single.container.execute("ip", "netns", "identify", main)
    assert client.get_all_listeners(single.row) == [{"status": "ACTIVE", "uuid": row.id, "type": "UDP"}]
    details = client.get_details(single.row)
    assert details["lvs_listener_process_count"] == 1 and details["haproxy_count"] == 0
    assert details["listeners"] == [row.id]


def test_the_health_manager_hears_of_every_disabled_member(controller, single, balancer):
    """Octavia's own agent tells of the last one only, when the kernel has any."""
    row = balancer.listeners[0]
    message = controller.heartbeat(single.row.id, lambda message: message["listeners"])
    assert message["listeners"] == {
        row.id: {"status": "OPEN", "stats": {"tx": 0, "rx": 0, "conns": 0, "totconns": 0, "ereq": 0}}}
    pool = row.default_pool
    assert message["pools"] == {pool.id: {"status": "UP", "members": {member.id: "MAINT" for member in pool.members}}}


def test_a_second_listener_is_sctp_and_has_no_pool(controller, single, balancer, client):
    row = models.listener(balancer, "SCTP", 5353)
    first = single.container.property(_unit(balancer.listeners[0]), "MainPID")
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    assert single.container.state(_unit(row)) == "active"
    listed = {each["uuid"]: (each["status"], each["type"]) for each in client.get_all_listeners(single.row)}
    assert listed == {balancer.listeners[0].id: ("ACTIVE", "UDP"), row.id: ("OFFLINE", "UDP")}
    message = controller.heartbeat(single.row.id, lambda message: len(message["listeners"]) == 2)
    assert set(message["pools"]) == {balancer.listeners[0].default_pool.id}
    # A reload is a restart, so that members begin anew.
    assert single.container.property(_unit(balancer.listeners[0]), "MainPID") != first


def test_a_disabled_listener_runs_and_is_not_told(controller, single, balancer):
    row = balancer.listeners[1]
    row.enabled = False
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    assert single.container.state(_unit(row)) == "active"
    controller.heartbeat(single.row.id, lambda message: set(message["listeners"]) == {balancer.listeners[0].id})
    row.enabled = True
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    controller.heartbeat(single.row.id, lambda message: len(message["listeners"]) == 2)


def test_many_changes_in_a_row_are_no_crash_loop(controller, single, balancer):
    """Each is a restart, and systemd counts those too."""
    for _ in range(8):
        controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    assert {single.container.state(_unit(row)) for row in balancer.listeners} == {"active"}


def test_start_leaves_it_running_and_reload_restarts_it(controller, single, balancer):
    mains = [single.container.property(_unit(row), "MainPID") for row in balancer.listeners]
    controller.driver.start(balancer, single.row, FAST)
    assert [single.container.property(_unit(row), "MainPID") for row in balancer.listeners] == mains
    controller.driver.reload(balancer, single.row, FAST)
    now = [single.container.property(_unit(row), "MainPID") for row in balancer.listeners]
    assert set(now).isdisjoint(mains) and "0" not in now


def test_what_was_stopped_comes_back_with_start_and_with_reload(controller, single, balancer):
    for verb in (controller.driver.start, controller.driver.reload):
        for row in balancer.listeners:
            answer = call(single, "PUT", f"/1.0/loadbalancer/{row.id}/stop")
            assert answer == (202, {"message": "OK", "details": f"keepalivedlvs listener {row.id} stoped"})
            assert single.container.state(_unit(row)) == "inactive"
            assert not single.container.exists(f"{_stem(row)}.pid")
        controller.heartbeat(single.row.id, lambda message: not message["listeners"])
        verb(balancer, single.row, FAST)
        assert {single.container.state(_unit(row)) for row in balancer.listeners} == {"active"}


def test_the_stored_configuration_can_be_read(single, balancer, client):
    row = balancer.listeners[0]
    answer = client.get(single.row, f"listeners/{row.id}/udp_listener")
    assert answer.status_code == 200 and answer.text == single.container.read(f"{_stem(row)}.conf")
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8" and "ETag" not in answer.headers
    assert call(single, "GET", f"/1.0/listeners/{single.row.id}/udp_listener") == (
        404, {"message": "UDP Listener Not Found", "details": f"No UDP listener with UUID: {single.row.id}"})


def test_the_upload_answers_with_the_digest(single, balancer, client):
    row = balancer.listeners[0]
    text = single.container.read(f"{_stem(row)}.conf")
    answer = client.upload_udp_config(single.row, row.id, text, timeout_dict=FAST)
    assert answer.headers["ETag"] == hashlib.md5(text.encode()).hexdigest()


def test_a_configuration_that_keepalived_refuses_changes_nothing(single, balancer, client):
    row = balancer.listeners[0]
    before = single.container.read(f"{_stem(row)}.conf")
    with pytest.raises(exceptions.InvalidRequest):
        client.upload_udp_config(single.row, row.id, before.rstrip()[:-1], timeout_dict=FAST)
    assert single.container.read(f"{_stem(row)}.conf") == before
    assert single.container.exists(f"{_stem(row)}.conf.new-failed")


def test_every_configuration_of_the_controller_is_taken(single, balancer, client, controller):
    """Members with checks, weights, persistence and limits: up to the kernel, so nothing of it is started."""
    for protocol, kind in (("UDP", "UDP-CONNECT"), ("UDP", "HTTP"), ("UDP", "TCP"), ("SCTP", "SCTP"), ("UDP", None)):
        other = models.load_balancer([single.row], additional=[models.VIP6])
        row = models.listener(other, protocol, 53, _pool(
            other, protocol, models.member("10.1.0.103", 53, weight=0), models.member("2001:db8:2::102", 53)))
        row.connection_limit = 1000
        if kind:
            models.monitor(row.default_pool, kind)
        row.default_pool.session_persistence = models.models.SessionPersistence(
            pool_id=row.default_pool.id, type="SOURCE_IP", persistence_timeout=30)
        text = controller.driver.lvs_jinja.build_config(listener=row)
        client.upload_udp_config(single.row, row.id, text, timeout_dict=FAST)
        assert single.container.read(f"{_stem(row)}.conf") == text
        controller.driver.delete(row)
        assert not single.container.exists(f"{_stem(row)}.conf")
    single.row.load_balancer, single.row.load_balancer_id = balancer, balancer.id


def test_a_reboot_brings_them_back(controller, single, balancer):
    single.container.reboot(0)
    wait_until("both run", lambda: {single.container.state(_unit(row)) for row in balancer.listeners} == {"active"})
    single.wait()
    controller.heartbeat(single.row.id, lambda message: len(message["listeners"]) == 2)


def test_deleting_takes_everything_of_a_listener_away(controller, single, balancer, client):
    first, second = balancer.listeners
    # One that was killed leaves some of its files.
    single.container.execute("systemctl", "kill", "--kill-whom=all", "--signal=KILL", _unit(first))
    wait_until("it is gone", lambda: single.container.state(_unit(first)) == "failed")
    single.container.execute("rm", "-f", f"{_stem(first)}.check.pid")
    for row in (first, second):
        controller.driver.delete(row)
        assert single.container.state(_unit(row)) == "inactive"
        assert not single.container.exists(f"/usr/lib/systemd/system/{_unit(row)}")
        assert row.id not in [each["uuid"] for each in client.get_all_listeners(single.row)]
        client.delete_listener(single.row, row.id)
    assert single.container.execute("ls", FOLDER).split() == ["check"]
    assert single.container.execute("ls", f"{FOLDER}/check").split() == ["udp_check.sh"]
    controller.heartbeat(single.row.id, lambda message: not message["listeners"])
