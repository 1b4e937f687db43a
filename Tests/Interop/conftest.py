"""What the tests share: the lab's network, the controller, members, and amphorae."""

import pytest

from lab import models, network
from lab.commands import wait_until
from lab.container import Container
from lab.controller import Controller
from lab.traffic import Member

_CONTAINERS = []


@pytest.fixture(scope="session", autouse=True)
def wires():
    """The networks."""
    network.build()


@pytest.fixture(scope="session")
def controller(wires):
    """The controller."""
    return Controller()


@pytest.fixture(scope="session")
def members(wires):
    """Three members on IPv4, one on IPv6, by name."""
    rows = [Member("m1", "10.1.0.101", tcp_port=9000), Member("m2", "10.1.0.102"), Member("m3", "10.1.0.103"),
            Member("m6", "2001:db8:2::101")]
    yield {row.name: row for row in rows}
    for row in rows:
        row.stop()


class Amphora:
    """A machine together with its row in the controller's database."""

    def __init__(self, controller, name, number, role="STANDALONE", topology="SINGLE", six=False):
        self.number = number
        self.container = Container(name, f"198.18.0.{number}")
        _CONTAINERS.append(self.container)
        self.row = models.amphora(self.container, number, role, six)
        self.topology = topology
        self._controller = controller
        controller.prepare(self.container, self.row.id, topology)
        self.container.boot()
        self.wait()

    def wait(self):
        """Waits until the agent answers, as the controller does after it has made a machine."""
        # With a version in the row the driver asks nobody.
        self.row.api_version = None
        self._controller.driver.check(self.row, {
            "conn_max_retries": 60, "conn_retry_interval": 0.5, "req_conn_timeout": 2, "req_read_timeout": 10})

    @property
    def vip_mac(self):
        """The hardware address of the VIP port."""
        return f"fa:16:3e:01:00:{self.number:02x}"

    @property
    def member_mac(self):
        """The hardware address of the member port."""
        return f"fa:16:3e:02:00:{self.number:02x}"

    @property
    def vip_subnet(self):
        """The subnet of the primary VIP."""
        return models.subnet_of(self.row.vrrp_ip)

    def vip_port(self, more=()):
        """The VIP port as the cloud describes it."""
        return models.port(self.row.vrrp_port_id, self.vip_mac, [(self.row.vrrp_ip, self.vip_subnet), *more])

    def member_port(self, more=()):
        """The member port as the cloud describes it."""
        return models.port(
            f"member-{self.number}", self.member_mac, [(f"10.1.0.{self.number}", models.MEMBER_SUBNET), *more], 1400)

    def plug(self, balancer):
        """Plugs both NICs in and has the agent take them."""
        driver = self._controller.driver
        self.container.plug("vip", self.vip_mac, "ens4")
        driver.post_vip_plug(
            self.row, balancer, None, self.vip_port(), self.vip_subnet, models.additional_vips(balancer))
        self.container.plug("members", self.member_mac, "ens5")
        six = [(f"2001:db8:2::{self.number}", models.MEMBER6_SUBNET)]
        driver.post_network_plug(self.row, self.member_port(six), None)

    def settle(self, balancer):
        """Waits until systemd says that haproxy runs."""
        unit = f"haproxy-{balancer.id}.service"
        wait_until(f"{unit} is active", lambda: self.container.state(unit) == "active")

    def remove(self):
        """Ends the machine and removes it."""
        _CONTAINERS.remove(self.container)
        self.container.remove()


@pytest.fixture(scope="module")
def single(controller):
    """One amphora for the tests of a file, freshly booted."""
    amphora = Amphora(controller, "single", 11)
    yield amphora
    _remove(amphora)


def _remove(*amphorae):
    for amphora in amphorae:
        amphora.remove()


@pytest.fixture(scope="module")
def pair(controller, request):
    """Two amphorae of one load balancer; the parameter "IPv6" gives them a VIP port with IPv6 addresses only."""
    six = getattr(request, "param", None) == "IPv6"
    amphorae = [Amphora(controller, "master", 11, "MASTER", "ACTIVE_STANDBY", six),
                Amphora(controller, "backup", 12, "BACKUP", "ACTIVE_STANDBY", six)]
    yield amphorae
    _remove(*amphorae)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the machines' journals to the report of a failure."""
    report = (yield).get_result()
    if report.failed:
        for container in _CONTAINERS:
            report.sections.append((f"journal of {container.name}", container.journal(40)))
