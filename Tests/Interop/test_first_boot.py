"""The first boot without cloud-init: the units of element amphora-init under real systemd, with what Octavia's own code
gives a new machine. The drive is a folder here: mounting it needs a kernel with iso9660 (see the image's tests)."""

import base64
import json
import pathlib

import markupsafe
import pytest
from octavia.common.jinja import user_data_jinja_cfg

from lab import models
from lab.commands import run, wait_until
from lab.container import Container

ELEMENT = pathlib.Path(__file__).parents[2] / "elements" / "amphora-init"
MAC = "fa:16:3e:00:00:15"
ADDRESS = "198.18.0.21"
HOST = "amphora-5f0e3b4a"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1hYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh operator"


class Machine:
    """An amphora that knows nothing but its drive."""

    def __init__(self, controller, name, deprecated):
        self.container = Container(name, ADDRESS)
        self.row = models.amphora(self.container, 21)
        self.files = {
            "/etc/octavia/certs/server.pem": controller.server_pem(self.row.id),
            "/etc/octavia/certs/client_ca.pem": controller.client_ca[0].read_text(),
            "/etc/octavia/amphora-agent.conf": controller.agent_config(self.row.id, "SINGLE"),
            "/etc/rsyslog.d/10-rsyslog.conf": "",
        }
        self._install()
        self._make_drive(deprecated)
        if deprecated:
            # The template escapes what it inserts, once more than the files' own templates (contract image §4.1); and a
            # block ends with a line end, or is empty.
            self.files = {path: str(markupsafe.escape(text)) and f"{str(markupsafe.escape(text)).rstrip()}\n"
                          for path, text in self.files.items()}

    def _install(self):
        """Does what the element does to an image."""
        root = self.container.root
        run("cp", "-r", f"{ELEMENT}/static/.", root)
        run("cp", f"{ELEMENT}/post-install.d/40-amphora-init", root / "tmp/enable")
        run("rm", root / "etc/systemd/system/systemd-networkd.service")
        run("chroot", root, "env", "DIB_INIT_SYSTEM=systemd", "/tmp/enable")
        run("chroot", root, "useradd", "--create-home", "debian")
        for unit, stage in (("amphora-init", "files"), ("amphora-init-commands", "commands")):
            self.container.write(
                f"/etc/systemd/system/{unit}.service.d/drive.conf",
                f"[Service]\nExecStart=\nExecStart=/usr/bin/amphora-agent init --stage {stage} --drive /drive\n")

    def _make_drive(self, deprecated):
        drive = "/drive/openstack"
        injected = {} if deprecated else self.files
        for index, text in enumerate(injected.values()):
            self.container.write(f"{drive}/content/{index:04}", text)
        self.container.write(f"{drive}/latest/meta_data.json", json.dumps({
            "uuid": models.new_id(), "hostname": f"{HOST}.novalocal", "name": HOST, "public_keys": {"key": KEY + "\n"},
            "random_seed": base64.b64encode(bytes(512)).decode(),
            "files": [{"content_path": f"/content/{index:04}", "path": path} for index, path in enumerate(injected)]}))
        self.container.write(f"{drive}/latest/network_data.json", json.dumps({
            "links": [{"id": "tap1", "type": "ovs", "ethernet_mac_address": MAC, "mtu": 1450, "vif_id": "port"}],
            "networks": [{
                "id": "network0", "type": "ipv4", "link": "tap1", "ip_address": ADDRESS, "netmask": "255.255.255.0",
                "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "198.18.0.1"}]}],
            "services": []}))
        template = user_data_jinja_cfg.UserDataJinjaCfg()
        self.container.write(
            f"{drive}/latest/user_data", template.build_user_data_config(self.files if deprecated else {}))

    def boot(self, controller):
        """Boots it, and waits until the agent answers and the commands have run."""
        self.container.boot()
        self.wait(controller)

    def wait(self, controller):
        """Waits for the end of the boot."""
        controller.driver.check(self.row, {
            "conn_max_retries": 60, "conn_retry_interval": 0.5, "req_conn_timeout": 2, "req_read_timeout": 10})
        wait_until("the commands have run",
                   lambda: self.container.state("amphora-init-commands.service") in ("active", "failed"), 60)

    def monotonic(self, unit, name):
        """A time of a unit in microseconds since the boot."""
        return int(self.container.property(unit, f"{name}TimestampMonotonic"))

    def journal(self, *words):
        """Lines of this boot's journal."""
        return self.container.execute("journalctl", "--boot", "--no-pager", "--output=cat", *words)


@pytest.fixture(scope="module", name="machine", params=[False, True], ids=["injected", "user-data"])
def _machine(controller, request):
    result = Machine(controller, f"init-{request.param_index}", request.param)
    try:
        result.boot(controller)
        yield result
    finally:
        result.container.remove()


def test_the_agent_serves_with_the_files_of_the_drive(machine):
    for path, text in machine.files.items():
        assert machine.container.read(path) == text, path
    for path in ("/etc/octavia/certs/server.pem", "/etc/octavia/amphora-agent.conf"):
        assert machine.container.execute("stat", "-c", "%a %U", path).strip() == "600 root"
    assert machine.container.execute("stat", "-c", "%a %U", "/etc/rsyslog.d/10-rsyslog.conf").strip() == "644 root"


def test_no_unit_fails_and_no_order_is_a_circle(machine):
    assert machine.container.execute("systemctl", "list-units", "--failed", "--plain", "--no-legend").strip() == ""
    assert "cycle" not in machine.journal("_PID=1")
    assert machine.container.state("amphora-init.service") == "active"


def test_files_come_before_the_network_and_commands_after_the_agent(machine):
    done = machine.monotonic("amphora-init.service", "ActiveEnter")
    for unit in ("systemd-networkd.service", "amphora-agent.service", "rsyslog.service"):
        assert done <= machine.monotonic(unit, "InactiveExit"), unit
    # The controllers' command restarts rsyslog.
    assert machine.monotonic("rsyslog.service", "ExecMainStart") > machine.monotonic(
        "amphora-init-commands.service", "InactiveExit")
    assert machine.monotonic("amphora-init-commands.service", "InactiveExit") >= done
    assert "runcmd[0] done" in machine.journal("--unit=amphora-init-commands")


def test_name_key_and_time_zone(machine):
    assert machine.container.execute("hostname").strip() == HOST
    assert f"127.0.1.1 {HOST}.novalocal {HOST}\n" in machine.container.read("/etc/hosts")
    assert machine.container.read("/home/debian/.ssh/authorized_keys") == KEY + "\n"
    assert machine.container.execute("stat", "-c", "%a %U", "/home/debian/.ssh/authorized_keys").strip() == "600 debian"
    assert machine.container.read("/etc/timezone") == "UTC\n"


def test_networkd_takes_the_management_nic_and_no_other(machine):
    """Only which file it takes, and the MTU: networkd of Debian 12 sends addresses that the newest kernels refuse."""
    def link(nic):
        index = machine.container.execute("cat", f"/sys/class/net/{nic}/ifindex").strip()
        return machine.container.read(f"/run/systemd/netif/links/{index}").splitlines()
    name = f"NETWORK_FILE=/etc/systemd/network/10-amphora-{MAC.replace(':', '')}.network"
    wait_until("the NIC has its file", lambda: name in link("eth0"))
    wait_until("it has its MTU", lambda: "mtu 1450" in machine.container.execute("ip", "link", "show", "eth0"))
    machine.container.plug("vip", "fa:16:3e:01:00:15", "ens4")
    wait_until("networkd leaves a new NIC alone", lambda: "ADMIN_STATE=unmanaged" in link("ens4"))


def test_a_reboot_keeps_what_the_controller_has_replaced_and_runs_nothing_again(machine, controller):
    controller.driver.upload_cert_amp(machine.row, controller.server_pem(machine.row.id).encode())
    replaced = machine.container.read("/etc/octavia/certs/server.pem")
    assert replaced != machine.files["/etc/octavia/certs/server.pem"]
    machine.container.reboot()
    machine.wait(controller)
    assert machine.container.read("/etc/octavia/certs/server.pem") == replaced
    assert "runcmd" not in machine.journal("--unit=amphora-init-commands")
    for unit in ("amphora-init.service", "amphora-init-commands.service"):
        assert machine.container.state(unit) == "active", unit
