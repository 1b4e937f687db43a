"""A reboot from inside: everything comes back without a controller, and what was changed since the first boot stays."""

import pytest

from bootlab.host import wait_until
from imagelab import networks
from imagelab.amphora import facts
from imagelab.balancer import http_listener

KEYS = "find /var/lib/octavia/certs -type f"


@pytest.fixture(name="rebooted", scope="module")
def _rebooted(balancer, amphora):
    """What was before, and what is after the reboot."""
    balancer.apply(http_listener())
    wait_until("requests are answered", lambda: networks.bodies() == {"m1", "m2"}, 30)
    balancer.upload_certificate()
    settings = amphora.run("cat /etc/octavia/amphora-agent.conf").replace(
        "heartbeat_interval = 3", "heartbeat_interval = 2")
    path = amphora.controller.folder / "settings.conf"
    path.write_text(settings)
    path.chmod(0o600)
    amphora.call("settings", path)
    wait_until("the agent answers again", lambda: amphora.ask("/1.0/info")[0] == 200, 60)
    amphora.controller.ctl("ca", "rotate", f"{amphora.id}@{amphora.address}:9443")
    before = facts(amphora) | {"settings": settings, "certificate": amphora.call("certificate", "--json"),
                               "interfaces": _state(amphora), "keys": amphora.run(KEYS).split()}
    amphora.run("systemctl reboot --no-block")
    amphora.guest.forget()
    before["going down"] = amphora.machine.await_reset()
    amphora.wait(f"reboot from inside, which went down in {before['going down']:.0f} s")
    wait_until("both members answer", lambda: networks.bodies() == {"m1", "m2"}, 60)
    return before


def _state(amphora):
    return [sorted(amphora.in_traffic_namespace(command).splitlines())
            for command in ("ip -br -4 addr show scope global", "ip route show table all proto static", "ip rule")]


def test_traffic_is_back_without_a_controller(rebooted):
    assert networks.bodies() == {"m1", "m2"}


def test_it_went_down_without_waiting_for_a_service_that_does_not_end(rebooted):
    # systemd kills such a service after 90 s.
    assert rebooted["going down"] < 60


def test_addresses_routes_and_rules_are_the_same(rebooted, amphora):
    assert any(rebooted["interfaces"]) and _state(amphora) == rebooted["interfaces"]


def test_the_config_drive_does_not_undo_what_a_controller_changed(rebooted, amphora):
    assert amphora.run("cat /etc/octavia/amphora-agent.conf") == rebooted["settings"]
    assert amphora.call("certificate", "--json") == rebooted["certificate"]


def test_the_machine_is_the_same(rebooted, amphora):
    assert facts(amphora) == {key: rebooted[key] for key in ("machine id", "host keys", "name")}


def test_no_tenants_key_came_back(rebooted, amphora):
    """They are lost with the RAM disk; a controller replaces an amphora that had some."""
    assert rebooted["keys"] and amphora.run(KEYS).split() == []


def test_no_unit_has_failed(rebooted, amphora):
    wait_until("the boot is complete", lambda: amphora.run(
        "systemctl is-system-running", check=False).strip() in ("running", "degraded"), 180, every=1)
    assert amphora.run("systemctl list-units --failed --plain --no-legend").strip() == ""
