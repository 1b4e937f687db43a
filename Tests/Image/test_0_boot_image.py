"""diskimage/boot-image: what it says when something is missing, and that it leaves nothing behind."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from bootlab.host import REPOSITORY, wait_until
from imagelab.amphora import IMAGE

PROGRAM = [sys.executable, REPOSITORY / "diskimage" / "boot-image"]


def _run(*words, **environment):
    return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=60, env=os.environ | environment)


@pytest.mark.parametrize("words, environment, expected", [
    (["/nonexistent.qcow2"], {}, "make image"),
    ([__file__], {}, "not qcow2"),
    ([IMAGE], {"PATH": "/nonexistent"}, "apt-get install genisoimage iproute2"),
    ([IMAGE, "--machine", "pc", "--drive-bus", "sata"], {}, "--machine q35"),
    ([IMAGE], {"AMPHORACTL": "/nonexistent"}, "AMPHORACTL names /nonexistent"),
    ([IMAGE, "--drive-bus", "floppy"], {}, "invalid choice"),
], ids=["no image", "no qcow2", "no programs", "no such bus on that machine", "no amphoractl", "no such bus"])
def test_what_is_wrong_is_said_with_status_2(words, environment, expected):
    result = _run(*words, **environment)
    assert result.returncode == 2 and expected in result.stderr, result.stderr
    assert result.stdout == ""


def _children(parent):
    return [int(pid) for pid in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_nothing_runs_on_when_it_is_ended(folder, number, status):
    scratch = folder / f"scratch-{number}"
    scratch.mkdir()
    process = subprocess.Popen([*PROGRAM, IMAGE], stderr=subprocess.PIPE, text=True, start_new_session=True,
                               env=os.environ | {"TMPDIR": str(scratch)})
    for line in process.stderr:
        if "boot loader" in line:
            break
    children = _children(process.pid)
    names = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip() for pid in children}
    assert {"qemu-system-x86", "amphoractl"} <= names
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == status
    wait_until("its processes are gone", lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in children), 10)
    if number != signal.SIGKILL:
        assert list(scratch.iterdir()) == []
