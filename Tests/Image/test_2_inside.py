"""A look inside the freshly booted machine: services, ports, secrets, leftovers."""

import re

from bootlab.host import wait_until
from imagelab import networks

#: What the journal may say at level error: a pattern with its reason. Everything else fails the test.
HARMLESS = {}


def test_no_unit_has_failed(amphora):
    wait_until("the boot is complete", lambda: amphora.run(
        "systemctl is-system-running", check=False).strip() in ("running", "degraded"), 180, every=1)
    assert amphora.run("systemctl list-units --failed --plain --no-legend").strip() == ""
    assert amphora.run("systemctl is-active amphora-agent certs-ramfs rsyslog").split() == ["active"] * 3


def test_the_journal_has_no_errors(amphora):
    lines = amphora.run("journalctl -b -p err -q --no-pager -o short-monotonic").splitlines()
    unexpected = [line for line in lines if not any(re.search(pattern, line) for pattern in HARMLESS)]
    assert unexpected == []


def _listening(text):
    """Sockets that other machines can reach, as (protocol, port, program)."""
    found = set()
    for line in text.splitlines():
        protocol, _, _, _, local, _, *users = line.split()
        address, _, port = local.rpartition(":")
        address = address.split("%")[0].strip("[]")
        if not address.startswith("127.") and address != "::1":
            found.add((protocol, int(port), re.sub(r'.*\(\("([^"]*).*', r"\1", "".join(users))))
    return found


def test_only_agent_and_ssh_listen_on_the_management_interface(amphora):
    found = _listening(amphora.run("ss -Hlntup"))
    assert {(port, program) for protocol, port, program in found if protocol == "tcp"} <= {
        (9443, "amphora-agent"), (22, "sshd"), (22, "systemd")}
    assert ("tcp", 9443, "amphora-agent") in found
    # Datagrams are heard by the DHCP client only (68, 546). The socket that sends heartbeats has a port too, but nobody
    # reads from it.
    assert {port for protocol, port, program in found if protocol == "udp" and program != "amphora-agent"} <= {68, 546}
    assert sum(protocol == "udp" and program == "amphora-agent" for protocol, _, program in found) <= 2


def test_secrets_are_readable_by_root_only(amphora):
    expected = {"/etc/octavia/certs/server.pem", "/etc/octavia/amphora-agent.conf"}
    modes = dict(reversed(line.split(maxsplit=1)) for line in amphora.run(
        f"stat -c '%a:%U %n' {' '.join(sorted(expected))}").splitlines())
    assert set(modes.values()) == {"600:root"}, modes
    # sudo writes this command into a log: its pattern must not find itself.
    text = amphora.run(
        "key=$(sed -n 's/^heartbeat_key = //p' /etc/octavia/amphora-agent.conf); "
        "{ grep -rlIs -e 'PRIVATE [K]EY-----' -e \"$key\" /etc /var /run /root /home /usr/local /opt || true; } | "
        "xargs -r stat -c '%a %U %n'")
    found = {path: (mode, owner) for mode, owner, path in (line.split(maxsplit=2) for line in text.splitlines())}
    assert expected <= set(found), "the search works"
    readable = {path: what for path, what in found.items() if what[0][-2:] != "00" and not path.endswith("README")}
    assert readable == {}


def test_nobody_else_may_write_system_files(amphora):
    assert amphora.run(
        "find / -xdev -type f -perm -0002 -not -path '/proc/*' -not -path '/sys/*' | head -20").strip() == ""


def test_the_folder_of_tenants_keys_is_an_encrypted_ram_disk(amphora):
    source, kind, options = amphora.run("findmnt -n -o SOURCE,FSTYPE,OPTIONS /var/lib/octavia/certs").split()
    assert source.startswith("/dev/mapper/")
    assert {"nosuid", "nodev", "noexec"} <= set(options.split(",")), f"{kind} {options}"
    assert amphora.run("stat -c '%a %U' /var/lib/octavia/certs").strip() == "700 root"
    # By number: cryptsetup may make the node itself instead of udev's link to /dev/dm-N.
    device = amphora.run(f"basename $(readlink -f /sys/dev/block/$(lsblk --nodeps --noheadings --output MAJ:MIN {source}))").strip()
    assert amphora.run(f"cat /sys/block/{device}/dm/uuid").startswith("CRYPT-")
    assert amphora.run(f"ls /sys/block/{device}/slaves").split() == ["ram0"]
    assert amphora.run("tail -n +2 /proc/swaps").strip() == "", "nothing may carry memory to the disk"


def test_logging_works_after_the_controllers_runcmd(amphora):
    assert amphora.run("stat -c %F /run/rsyslog/octavia/log").strip() == "socket"
    assert amphora.run("date +%Z").strip() == "UTC"


def test_the_agents_log_goes_on_after_its_rotation(amphora):
    assert amphora.run("systemctl is-active logrotate.timer").strip() == "active"
    log = "/var/log/amphora-agent.log"
    assert amphora.ask("/1.0/info")[0] == 200
    before = wait_until("a line", lambda: amphora.run(f"cat {log}"), 30)
    assert "/1.0/info" in before
    amphora.run("logrotate --force /etc/logrotate.d/amphora-agent")
    assert amphora.run(f"cat {log}.1").startswith(before)
    assert amphora.ask("/1.0/info")[0] == 200
    assert "/1.0/info" in wait_until("a line in the new file", lambda: amphora.run(f"cat {log}"), 30)
    assert amphora.run(f"stat -c '%a %U %G' {log}").split() == ["640", "root", "adm"]


def test_log_lines_go_where_the_controllers_rules_send_them(amphora, log_host):
    # Nothing else asks this here.
    assert amphora.ask("/1.0/health")[0] in (200, 503)

    def line():
        while "/1.0/health" not in (text := log_host.recv(4096).decode()):
            pass
        return text if "amphora-agent" in text else None
    # local1.info: 17 * 8 + 6 (RFC 5424 §6.2.1).
    assert wait_until("the request's line", line, 60).startswith("<142>")


def test_a_hot_plugged_nic_is_left_to_the_agent(amphora):
    """Before a controller says what it is for, it must stay down and without addresses."""
    amphora.hot_plug(networks.VIP_TAP, networks.VIP_MAC)
    name = wait_until("the NIC is seen", lambda: amphora.run(
        f"grep -l {networks.VIP_MAC} /sys/class/net/*/address | cut -d/ -f5").strip(), 30)
    assert name
    state = amphora.run(f"ip -br addr show dev {name}").split()
    assert state[1] == "DOWN" and len(state) == 2, state
