"""One amphora for all tests, made step by step: booted, plugged, with a load balancer. Boots are few: each takes a while."""

import os
import pathlib
import shutil
import socket
import tempfile

import pytest

from bootlab.controller import HOST_SEEN_BY_GUEST, Controller
from bootlab.host import wait_until
from bootlab.machine import Shape
from imagelab import networks
from imagelab.amphora import BOOTS, IMAGE, RUNNING, Amphora
from imagelab.balancer import Balancer, http_listener
from imagelab.pair import OUTAGES, Pair

LOG_PORT = 5514
#: As controllers write it, with one target for administrative messages (contract heartbeat-and-config §6).
FORWARDING = f"""ruleset(name="admin_forwarding" queue.type="linkedList" queue.size="10000") {{
  action(type="omfwd" target="{HOST_SEEN_BY_GUEST}" port="{LOG_PORT}" protocol="udp"
         action.resumeRetryCount="5" action.resumeInterval="2")
}}
local1.* call admin_forwarding
"""


@pytest.fixture(scope="session")
def folder():
    """A folder that is gone at the end."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="image-test."))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def controller(folder):
    """The controller, with both members."""
    networks.build()
    result = Controller(folder / "controller")
    result.listen("0.0.0.0")
    members = [networks.Member(name) for name in networks.MEMBERS]
    yield result
    for member in members:
        member.shutdown()
    result.stop()


@pytest.fixture(scope="session")
def log_host():
    """Where amphorae may send their logs."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as result:
        result.bind(("127.0.0.1", LOG_PORT))
        result.settimeout(5)
        yield result


@pytest.fixture(scope="session")
def amphora(controller, folder, log_host):
    """The amphora, booted with a SATA config drive, as nova gives q35 machines."""
    rules = folder / "rsyslog.conf"
    rules.write_text(FORWARDING)
    result = Amphora(controller, "main", folder, Shape(1024, 2, "q35", "sata"), drive=["--rsyslog", rules])
    try:
        result.boot("first boot")
        yield result
    finally:
        result.remove()


@pytest.fixture(scope="session")
def plugged(amphora):
    """The amphora with VIP and member network."""
    amphora.hot_plug(networks.VIP_TAP, networks.VIP_MAC)
    amphora.hot_plug(networks.MEMBER_TAP, networks.MEMBER_MAC)
    # A controller repeats what the agent refuses because the NIC is not there yet.
    wait_until("the VIP is plugged", lambda: amphora.call(
        "plug", "vip", networks.VIP, "--mac", networks.VIP_MAC, "--subnet", "203.0.113.0/24", "--gateway",
        networks.CLIENT, "--vrrp-ip", networks.VRRP), 60, every=1)
    wait_until("the member network is plugged", lambda: amphora.call(
        "plug", "network", "--mac", networks.MEMBER_MAC, "--ip", f"{networks.AMPHORA_AMONG_MEMBERS}/24"), 60, every=1)
    return amphora


@pytest.fixture(scope="session")
def balancer(plugged, folder):
    """A load balancer with an HTTP listener and two members."""
    result = Balancer(plugged, folder)
    result.apply(http_listener())
    wait_until("both members answer through the VIP", lambda: networks.bodies() == {"m1", "m2"}, 60)
    return result


@pytest.fixture(scope="session")
def pair(controller, folder):
    """Two more amphorae, which share two VIPs with a UDP and an SCTP listener; the first one is off by then."""
    for amphora in list(RUNNING):
        amphora.cut_power()
    result = Pair(controller, folder)
    try:
        result.boot()
        result.deploy()
        yield result
    finally:
        result.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds console and journal to the report of a failure."""
    report = (yield).get_result()
    if report.failed and call.when in ("setup", "call"):
        for amphora in list(RUNNING):
            if amphora.machine.is_running:
                report.sections.extend(amphora.report())


def pytest_terminal_summary(terminalreporter):
    """The times of all boots."""
    terminalreporter.section(f"boots of {IMAGE.name} ({IMAGE.stat().st_size / 1e6:.1f} MB), seconds since power-on")
    for name, timeline in BOOTS:
        events = {event: seconds for event, (seconds, _) in timeline.events.items()}
        terminalreporter.write_line(
            f"{name}: agent {events.get('agent answers on :9443')}, heartbeat {events.get('first heartbeat verified')}")
    for what, seconds in OUTAGES:
        terminalreporter.write_line(f"no answer {what}: {seconds:.1f} s")


def pytest_sessionfinish(session):
    """Strictly, a test that is skipped has not been passed."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if os.environ.get("AMPHORA_STRICT") and reporter and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
