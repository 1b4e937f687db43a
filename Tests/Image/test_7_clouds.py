"""What clouds do differently: the config drive's bus, fixed addresses, files in user_data. A fresh machine each time, which
must differ from all others in what makes it unique."""

import concurrent.futures
import contextlib

import pytest

from bootlab.machine import Shape
from imagelab import networks
from imagelab.amphora import RUNNING, Amphora, facts

_SEEN = []


@contextlib.contextmanager
def _fresh(controller, folder, name, shape, **options):
    # One machine at a time: the processors are few.
    for amphora in list(RUNNING):
        if amphora.machine.is_running and not _SEEN:
            _SEEN.append(facts(amphora))
        amphora.cut_power()
    amphora = Amphora(controller, name, folder, shape, **options)
    try:
        amphora.boot(name)
        yield amphora
    finally:
        amphora.remove()


def _is_new(amphora):
    found = facts(amphora)
    assert found["name"].split(".")[0] == f"amphora-{amphora.id}"
    assert found["host keys"]
    for other in _SEEN:
        assert found["machine id"] != other["machine id"]
        assert not set(found["host keys"]) & set(other["host keys"])
        assert found["name"] != other["name"]
    _SEEN.append(found)


def test_an_ide_drive_on_an_i440fx_machine_with_files_in_user_data(controller, folder):
    with _fresh(controller, folder, "ide-user-data", Shape(1024, 2, "pc", "ide"), drive=["--user-data-mode"]) as amphora:
        _is_new(amphora)
        assert amphora.run("stat -c '%a:%U' /etc/octavia/certs/server.pem").strip() == "600:root"


def test_a_virtio_disk(controller, folder):
    with _fresh(controller, folder, "virtio", Shape(1024, 2, "q35", "virtio")) as amphora:
        _is_new(amphora)


def test_a_virtio_scsi_drive_and_a_fixed_address(controller, folder):
    drive = ["--address", f"{networks.STATIC_AMPHORA}/24", "--gateway", networks.STATIC_HOST, "--mtu", "1400"]
    shape = Shape(1024, 2, "q35", "scsi", management=networks.STATIC_TAP)
    with _fresh(controller, folder, "scsi-fixed", shape, drive=drive, receiver=networks.STATIC_HOST,
                address=networks.STATIC_AMPHORA, ssh_port=22) as amphora:
        _is_new(amphora)
        text = amphora.run("ip -o -4 addr show to 192.0.2.10; ip -4 route; cat /sys/class/net/*/mtu")
        assert f"{networks.STATIC_AMPHORA}/24" in text and f"default via {networks.STATIC_HOST}" in text
        assert "1400" in text.split()
        # From outside, here where no forwarding is in between: nothing else is open.
        ports = [*range(1, 4000), 5355, 5555, 6010, 8080, 9090, 9101, *range(9440, 9450)]
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            refused = pool.map(lambda port: networks.is_refused(networks.STATIC_AMPHORA, port, 10), ports)
        assert {port for port, closed in zip(ports, refused) if not closed} <= {22, 9443}
