"""One suite for both supervisors: systemd, and the agent itself (`--supervisor direct`). Whoever runs haproxy and
keepalived, the same calls have the same answers and effects."""

import json
import time
import uuid

import pytest

from conftest import Amphora
from lab.api import call
from lab.commands import wait_until

UNITS = "/usr/lib/systemd/system"
VRRP = "octavia-keepalived.service"
CHECK = "/var/lib/octavia/vrrp/check_scripts/haproxy_check_script.sh"
KEEPALIVED = "global_defs {\n  router_id x\n}\n"


class Systemd:
    """systemd, as in the image."""

    @staticmethod
    def choose(machine):
        """The agent finds it by itself."""

    @staticmethod
    def is_enabled(machine, unit):
        """Whether the unit starts at boot."""
        return machine.execute("systemctl", "is-enabled", unit, check=False).strip() == "enabled"

    @staticmethod
    def knows(machine, unit):
        """Whether there is a description of the unit on disk."""
        return machine.exists(f"{UNITS}/{unit}")


class Direct:
    """The agent itself."""

    @staticmethod
    def choose(machine):
        """Starts the agent with the option; its end must leave its children alone."""
        machine.write("/etc/systemd/system/amphora-agent.service.d/direct.conf", """[Service]
ExecStart=
ExecStart=/usr/bin/amphora-agent serve --config-file /etc/octavia/amphora-agent.conf --supervisor direct
KillMode=process
""", 0o644)
        machine.execute("systemctl", "daemon-reload")
        machine.execute("systemctl", "restart", "amphora-agent.service")

    @staticmethod
    def is_enabled(machine, unit):
        """Whether the unit starts at boot."""
        return Direct.knows(machine, unit) and json.loads(machine.read(f"/var/lib/octavia/services/{unit}.json"))["enabled"]

    @staticmethod
    def knows(machine, unit):
        """Whether there is a description of the unit on disk."""
        return machine.exists(f"/var/lib/octavia/services/{unit}.json")


@pytest.fixture(scope="module", params=["systemd", "direct"])
def amphora(controller, request):
    """An amphora of a pair whose services are run by the one or by the other."""
    result = Amphora(controller, request.param, 11, "MASTER", "ACTIVE_STANDBY")
    result.supervisor = {"systemd": Systemd, "direct": Direct}[request.param]
    result.supervisor.choose(result.container)
    result.wait()
    yield result
    result.remove()


class Service:
    """The haproxy of a load balancer without ports of its own."""

    ports = iter(range(8100, 8200))

    def __init__(self, amphora):
        self.amphora, self.machine = amphora, amphora.container
        self.id = str(uuid.uuid4())
        self.port = next(Service.ports)
        self.unit = f"haproxy-{self.id}.service"
        self.folder = f"/var/lib/octavia/{self.id}"
        self.socket = f"/var/lib/octavia/{self.id}.sock"

    def text(self, extra=""):
        """A configuration."""
        return f"""global
    user nobody
    maxconn 100
    stats socket {self.socket} mode 0666 level user
defaults
    timeout connect 1s
    timeout client 1s
    timeout server 1s
frontend {self.id}
    mode http
    bind 127.0.0.1:{self.port}
    http-request return status 200
{extra}"""

    #: haproxy's check takes it, but the socket's folder is missing when it starts.
    BROKEN = "frontend broken\n    mode http\n    bind unix@/nowhere/socket\n"

    def upload(self, extra=""):
        """Uploads it."""
        path = f"/1.0/loadbalancer/{self.amphora.row.id}/{self.id}/haproxy"
        assert call(self.amphora, "PUT", path, self.text(extra)) == (202, {"message": "OK"})

    def control(self, action):
        """start, stop or reload."""
        return call(self.amphora, "PUT", f"/1.0/loadbalancer/{self.id}/{action}")

    def start(self):
        """Starts it."""
        assert self.control("start") == (202, {
            "message": "OK", "details": f"Configuration file is valid\nhaproxy daemon for {self.id} started"})

    def stop(self):
        """Stops it."""
        assert self.control("stop") == (202, {"message": "OK", "details": f"Listener {self.id} stoped"})

    def delete(self):
        """Deletes it."""
        assert call(self.amphora, "DELETE", f"/1.0/listeners/{self.id}") == (200, {"message": "OK"})

    @property
    def main(self):
        """The number of the master process, when it lives."""
        if not self.machine.exists(f"{self.folder}/{self.id}.pid"):
            return None
        pid = int(self.machine.read(f"{self.folder}/{self.id}.pid"))
        return pid if pid in self.processes() else None

    def processes(self):
        """The master and its workers."""
        lines = self.machine.execute("pgrep", "-f", f"haproxy.*{self.id}/haproxy.cfg", check=False).split()
        return {int(line) for line in lines}

    def worker(self):
        """The number of the worker that answers."""
        info = self.machine.execute("nc", "-U", "-N", self.socket, stdin="show info\n")
        return dict(line.split(": ", 1) for line in info.splitlines() if ": " in line)["Pid"]

    @property
    def serves(self):
        """Whether requests are answered."""
        return "200 OK" in self.machine.traffic("sh", "-c", f"printf 'GET / HTTP/1.0\r\n\r\n' | nc -N 127.0.0.1 {self.port}")


@pytest.fixture(name="service")
def _service(amphora):
    result = Service(amphora)
    yield result
    result.delete()


def test_an_upload_makes_the_service_known_and_enabled_and_starts_nothing(amphora, service):
    service.upload()
    assert amphora.supervisor.knows(service.machine, service.unit)
    assert amphora.supervisor.is_enabled(service.machine, service.unit)
    assert service.processes() == set()


def test_start_returns_when_haproxy_serves_and_a_second_one_changes_nothing(service):
    service.upload()
    service.start()
    assert service.serves
    main, worker = service.main, service.worker()
    assert main
    service.start()
    assert (service.main, service.worker()) == (main, worker)


def test_reload_replaces_the_worker_and_keeps_the_master(service):
    service.upload()
    service.start()
    main, worker = service.main, service.worker()
    service.upload("# another one\n")
    assert service.control("reload") == (202, {"message": "OK", "details": f"Listener {service.id} reloaded"})
    assert service.main == main and service.worker() != worker
    assert service.serves


def test_stop_ends_every_process_and_may_be_repeated(amphora, service):
    service.upload()
    service.start()
    service.stop()
    assert service.processes() == set()
    service.stop()
    assert amphora.supervisor.is_enabled(service.machine, service.unit)
    # A reload of what does not run is a start.
    status, body = service.control("reload")
    assert status == 202 and body["details"].endswith("started")
    assert service.serves


def test_a_start_that_fails_tells_the_reason_however_often_it_is_ordered(service):
    service.upload(Service.BROKEN)
    # systemd counts starts and refuses the sixth within ten seconds; an order is no crash loop.
    for _ in range(7):
        status, body = service.control("start")
        assert (status, body["message"]) == (500, "Error starting haproxy")
        assert "/nowhere/socket" in body["details"]
    service.upload()
    service.start()
    assert service.serves


def test_a_reload_that_fails_leaves_the_running_configuration_on_disk_too(service):
    service.upload()
    service.start()
    main = service.main
    service.upload(Service.BROKEN)
    status, body = service.control("reload")
    assert (status, body["message"]) == (500, "Error reloading haproxy")
    assert "/nowhere/socket" in body["details"]
    assert service.main == main and service.serves
    assert service.machine.read(f"{service.folder}/haproxy.cfg") == service.text()


def test_a_crash_is_followed_by_a_start_each_time(service):
    service.upload()
    service.start()
    for _ in range(2):
        main = service.main
        service.machine.execute("kill", "-KILL", main)
        wait_until("another one serves", lambda: service.main not in (None, main) and service.serves)
    service.stop()
    assert service.processes() == set()


def test_a_delete_forgets_the_service(amphora):
    service = Service(amphora)
    service.upload()
    service.start()
    service.delete()
    assert service.processes() == set()
    assert not amphora.supervisor.knows(service.machine, service.unit)
    assert not amphora.supervisor.is_enabled(service.machine, service.unit)


def test_keepalived_obeys_the_same_verbs(amphora):
    machine = amphora.container
    pid = "/var/lib/octavia/vrrp/octavia-keepalived.pid"

    def control(action, status, word=None):
        result = call(amphora, "PUT", f"/1.0/vrrp/{action}")
        assert result[0] == status, result
        if word:
            assert result[1] == {"message": "OK", "details": f"keepalived {word}"}

    assert call(amphora, "PUT", "/1.0/vrrp/upload", KEEPALIVED) == (200, {"message": "OK"})
    assert amphora.supervisor.is_enabled(machine, VRRP)
    control("reload", 500)
    control("start", 202, "started")
    before = machine.read(pid)
    control("start", 202, "reloaded")
    control("reload", 202, "reloaded")
    assert machine.read(pid) == before
    control("stop", 202, "stoped")
    assert machine.execute("pgrep", "-x", "keepalived", check=False) == ""
    control("stop", 202, "stoped")
    control("reload", 500)


def test_a_new_agent_takes_over_what_runs(service):
    service.upload()
    service.start()
    main = service.main
    service.machine.execute("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "amphora-agent.service")
    service.amphora.wait()
    assert service.main == main and service.serves
    service.start()
    assert service.main == main
    service.machine.execute("kill", "-KILL", main)
    wait_until("it is watched again", lambda: service.main not in (None, main) and service.serves)
    service.stop()
    assert service.processes() == set()


def test_what_was_stopped_stays_so_over_a_restart_of_the_agent(amphora, service):
    other = Service(amphora)
    service.upload()
    other.upload()
    service.start()
    other.start()
    service.stop()
    service.machine.execute("systemctl", "restart", "amphora-agent.service")
    amphora.wait()
    # A killed one comes back when the new agent is through with what it takes up at its start.
    main = other.main
    service.machine.execute("kill", "-KILL", main)
    wait_until("the other one is watched", lambda: other.main not in (None, main) and other.serves)
    assert service.processes() == set()
    assert service.machine.read(CHECK) == f"haproxy-vrrp-check {other.socket}; exit $?"
    service.start()
    assert {service.socket, other.socket} <= set(service.machine.read(CHECK).replace(";", "").split())
    other.delete()


@pytest.mark.parametrize("amphora", ["systemd"], indirect=True)
def test_a_unit_of_an_older_agent_is_written_anew_and_read_by_systemd(amphora, service):
    service.upload()
    service.start()
    machine, path = service.machine, f"{UNITS}/{service.unit}"
    good = machine.read(path)
    machine.write(path, good.replace("LimitNOFILE=2600000", "LimitNOFILE=2000"), 0o644)
    machine.execute("systemctl", "daemon-reload")
    assert machine.property(service.unit, "LimitNOFILE") == "2000"
    service.upload()
    assert machine.read(path) == good
    assert machine.property(service.unit, "LimitNOFILE") == "2600000"
    assert machine.property(service.unit, "NeedDaemonReload") == "no"
    assert service.serves


@pytest.mark.parametrize("amphora", ["systemd"], indirect=True)
def test_a_unit_that_systemd_has_not_read_since_a_crash_of_the_agent_is_read_before_the_start(amphora, service):
    service.upload()
    service.start()
    service.stop()
    machine, path = service.machine, f"{UNITS}/{service.unit}"
    # Times of files have steps; systemd compares them.
    time.sleep(0.05)
    machine.write(path, machine.read(path).replace("LimitNOFILE=2600000", "LimitNOFILE=2000"), 0o644)
    assert machine.property(service.unit, "NeedDaemonReload") == "yes"
    service.start()
    assert machine.property(service.unit, "LimitNOFILE") == "2000"


@pytest.mark.parametrize("amphora", ["systemd"], indirect=True)
def test_the_namespaces_unit_is_understood_as_the_contract_says(amphora, service):
    service.upload()
    service.start()
    expected = {"Type": "oneshot", "RemainAfterExit": "yes", "StopWhenUnneeded": "yes", "ActiveState": "active",
                "Description": "Configure amphora-haproxy network namespace", "UnitFileState": "static"}
    assert {key: amphora.container.property("amphora-netns.service", key) for key in expected} == expected
    start = amphora.container.property("amphora-netns.service", "ExecStart")
    assert "/usr/bin/amphora-agent netns up" in start and "ignore_errors=yes" in start
    assert "amphora-netns.service" in amphora.container.property(service.unit, "Requires").split()
    assert "amphora-netns.service" in amphora.container.property(service.unit, "After").split()


def test_a_boot_starts_what_is_enabled_with_a_configuration_that_starts(amphora):
    plain, stopped, untried = Service(amphora), Service(amphora), Service(amphora)
    for service in (plain, stopped, untried):
        service.upload()
        service.start()
    stopped.stop()
    untried.upload(Service.BROKEN)
    amphora.container.reboot()
    amphora.wait()
    for service in (plain, stopped, untried):
        wait_until("it serves again", lambda: service.serves)
    machine = amphora.container
    assert machine.read(f"{untried.folder}/haproxy.cfg") == untried.text()
    assert machine.read(f"{untried.folder}/haproxy.cfg.new-failed") == untried.text(Service.BROKEN)
    assert {plain.socket, stopped.socket, untried.socket} <= set(machine.read(CHECK).replace(";", "").split())
    for service in (plain, stopped, untried):
        service.delete()
