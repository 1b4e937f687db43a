"""The doctor's checks that only systemd shows: units that failed, units of deleted load balancers, an agent that is stopped.
Each fault is made for real, the doctor names it and nothing else, and the remedy it prints is carried out."""

import json
import uuid

import pytest

from conftest import Amphora
from lab.api import call
from lab.commands import wait_until

UNITS = "/usr/lib/systemd/system"
#: Of the machine that runs the tests.
NOISE = {"clock", "oom", "memory", "conntrack", "disk"}
#: The checks of the machine and the agent.
CHECKS = NOISE | {"units", "configuration", "agent-certificate", "client-ca", "agent", "agent-files", "heartbeat", "counters",
                  "tenant-certificates", "leftovers"}


@pytest.fixture(scope="module", name="machine")
def _machine(controller):
    """A freshly booted amphora, about which the doctor has nothing to say."""
    amphora = Amphora(controller, "doctor", 11)
    amphora.container.amphora = amphora
    _is_clean(amphora.container)
    yield amphora.container
    amphora.remove()


def _faults(machine):
    """What the doctor finds wrong, without what is the host's."""
    findings = json.loads(machine.execute("amphora-agent", "doctor", "--json", check=False))["findings"]
    return [row for row in findings if row["check"] in CHECKS - NOISE and row["verdict"] != "PASS"]


def _is_clean(machine):
    def clean():
        rows = _faults(machine)
        assert rows == []
        return True
    wait_until("nothing is wrong", clean, 20)


def _only(machine, check, verdict, words):
    """Expects one finding; returns its remedy."""
    def found():
        rows = _faults(machine)
        assert [row["check"] for row in rows] == [check], rows
        assert rows[0]["verdict"] == verdict and words in rows[0]["evidence"], rows
        return rows[0]
    return wait_until(f"the doctor names {check}", found, 10)["remedy"]


def _carry_out(machine, remedy):
    machine.execute("sh", "-c", remedy)
    _is_clean(machine)


def test_a_unit_that_failed_is_restarted(machine):
    machine.write(f"{UNITS}/fragile.service",
                  "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/test -e /run/mended\n")
    machine.execute("systemctl", "daemon-reload")
    machine.execute("systemctl", "start", "fragile.service", check=False)
    remedy = _only(machine, "units", "WARN", "fragile.service has failed")
    # The first half tells why; here the reason is this file.
    machine.write("/run/mended", "")
    _carry_out(machine, remedy.split("; then: ")[1])


def test_an_agent_that_is_stopped_is_started(machine):
    machine.execute("systemctl", "stop", "amphora-agent.service")
    _carry_out(machine, _only(machine, "agent", "FAIL", "does not run"))
    assert call(machine.amphora, "GET", "/") == (200, {"api_version": "1.0"})


def test_a_port_that_is_taken_is_given_back(machine):
    machine.execute("systemctl", "stop", "amphora-agent.service")
    machine.execute("systemd-run", "--unit=squatter", "nc", "-l", "-k", "9443")
    wait_until("the port is taken", lambda: ":9443" in machine.execute("ss", "-Hltn"))
    machine.execute("systemctl", "start", "--no-block", "amphora-agent.service")
    _carry_out(machine, _only(machine, "agent", "FAIL", "port 9443 is taken by nc"))
    assert machine.state("amphora-agent.service") == "active"


def test_a_half_done_delete_is_finished(machine):
    folder = f"/var/lib/octavia/{uuid.uuid4()}"
    machine.execute("install", "-D", "/dev/null", f"{folder}/haproxy.cfg.deleted")
    machine.execute("touch", "-d", "1 hour ago", folder)
    _carry_out(machine, _only(machine, "leftovers", "WARN", "cut short"))
    assert not machine.exists(folder)


@pytest.mark.parametrize("name", ["haproxy-", "octavia-keepalivedlvs-"])
def test_a_unit_of_something_deleted_is_removed(machine, name):
    unit = f"{name}{uuid.uuid4()}.service"
    machine.write(f"{UNITS}/{unit}", "[Service]\nExecStart=/bin/sleep 600\n[Install]\nWantedBy=multi-user.target\n", 0o644)
    machine.execute("touch", "-d", "1 hour ago", f"{UNITS}/{unit}")
    machine.execute("systemctl", "daemon-reload")
    machine.execute("systemctl", "enable", "--now", unit)
    _carry_out(machine, _only(machine, "leftovers", "WARN", unit))
    assert machine.state(unit) == "inactive" and not machine.exists(f"{UNITS}/{unit}")
    assert not machine.exists(f"/etc/systemd/system/multi-user.target.wants/{unit}")


def test_files_that_others_may_read_are_closed(machine):
    for path, check in (("/etc/octavia/amphora-agent.conf", "configuration"),
                        ("/etc/octavia/certs/server.pem", "agent-certificate")):
        machine.execute("chmod", "0644", path)
        _carry_out(machine, _only(machine, check, "WARN", "has mode 644"))
