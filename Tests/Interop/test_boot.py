"""The machine as it boots: the unit, its files, and what it says before it has a load balancer."""

import pytest

from lab import models
from lab.commands import wait_until
from lab.container import Container


def test_the_agent_runs_as_a_systemd_service(single):
    machine = single.container
    assert machine.state("amphora-agent.service") == "active"
    assert machine.property("amphora-agent.service", "Type") == "notify"
    assert machine.read("/run/amphora-agent.pid").strip() == machine.property("amphora-agent.service", "MainPID")


def test_no_unit_has_failed(single):
    assert single.container.execute("systemctl", "list-units", "--failed", "--plain", "--no-legend").strip() == ""


@pytest.mark.parametrize("path", ["/etc/octavia/amphora-agent.conf", "/etc/octavia/certs/server.pem"])
def test_secrets_are_readable_by_root_only(single, path):
    assert single.container.execute("stat", "-c", "%a %U", path).strip() == "600 root"


def test_heartbeats_come_before_there_is_a_load_balancer(controller, single):
    message = controller.heartbeat(single.row.id)
    assert message["ver"] == 3 and message["listeners"] == {} and message["pools"] == {}


def test_rsyslog_takes_the_configuration_and_makes_the_socket(single):
    machine = single.container
    assert "rror" not in machine.execute("rsyslogd", "-N1")
    assert machine.execute("stat", "-c", "%F", "/run/rsyslog/octavia/log").strip() == "socket"


def test_the_agent_is_started_again_until_the_controllers_files_are_there(controller):
    """cloud-init may write them after the first start."""
    late = Container("late", "198.18.0.19")
    row = models.amphora(late, 19)
    try:
        late.boot()
        wait_until("three starts have failed",
                   lambda: int(late.property("amphora-agent.service", "NRestarts")) >= 3)
        controller.prepare(late, row.id, "SINGLE")
        wait_until("it runs", lambda: late.state("amphora-agent.service") == "active")
        controller.driver.check(row)
    finally:
        late.remove()
