"""The power fails in the middle of an upload: the amphora boots, and serves the old configuration or the new, never half of
one. The last boot is with 256 MiB of memory."""

import threading
import time

import pytest

from bootlab.host import wait_until
from imagelab import networks
from imagelab.balancer import http_listener

#: When the power is cut, as a part of the time that an upload takes.
MOMENTS = [0.25, 0.6, 0.95]


def _upload(balancer, amphora, text):
    """Uploads a configuration from this process: a program's start would blur the moment of the cut."""
    return amphora.ask(f"/1.0/loadbalancer/{amphora.id}/{balancer.id}/haproxy", "PUT", text)


@pytest.fixture(name="texts", scope="module")
def _texts(balancer):
    """Two configurations by the member that answers."""
    return {member: (balancer.render(http_listener(member)) / "haproxy.cfg").read_text() for member in ("m1", "m2")}


@pytest.fixture(name="duration", scope="module")
def _duration(balancer, amphora, texts):
    """How long an upload takes here."""
    balancer.apply(http_listener("m1"))
    start = time.monotonic()
    for member in ("m2", "m1"):
        status, body = _upload(balancer, amphora, texts[member])
        assert status == 202, body
    return (time.monotonic() - start) / 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_power_cut_during_an_upload_leaves_the_old_or_the_new(balancer, amphora, texts, duration, moment):
    old = wait_until("one member answers", lambda: next(iter(networks.bodies(count=1))), 60)
    new = "m2" if old == "m1" else "m1"
    assert amphora.call("config", "get", balancer.id).strip() == texts[old].strip()
    outcome = []

    def upload():
        try:
            outcome.append(_upload(balancer, amphora, texts[new]))
        except OSError as error:
            outcome.append(error)  # as it should: nobody is there any more to answer
    thread = threading.Thread(target=upload)
    thread.start()
    time.sleep(duration * moment)
    amphora.cut_power()
    thread.join(60)

    if moment == MOMENTS[-1]:
        amphora.machine.shape.memory = 256
    amphora.boot(f"boot after a power cut {duration * moment:.2f} s into an upload")
    stored = amphora.call("config", "get", balancer.id).strip()
    assert stored in {text.strip() for text in texts.values()}
    served = wait_until("traffic is back", lambda: networks.bodies(), 60)
    assert served == {old if stored == texts[old].strip() else new}
    print(f"cut after {duration * moment:.2f} of {duration:.2f} s; the upload: {outcome}; stored: "
          f"{'the old' if stored == texts[old].strip() else 'the new'}")
    # And it goes on: the same upload again.
    balancer.apply(http_listener(new))
    wait_until("the new one is served", lambda: networks.bodies() == {new}, 60)


def test_everything_is_in_order_afterwards_with_256_mib(balancer, amphora, duration):
    if amphora.machine.shape.memory != 256:
        pytest.skip("the power cuts before it were not run")
    assert int(amphora.run("awk '/^MemTotal/ {print $2}' /proc/meminfo")) < 256 * 1024
    assert amphora.run("dmesg | grep -ci 'out of memory' || true").strip() == "0"
    wait_until("the boot is complete", lambda: amphora.run(
        "systemctl is-system-running", check=False).strip() in ("running", "degraded"), 180, every=1)
    assert amphora.run("systemctl list-units --failed --plain --no-legend").strip() == ""
    assert amphora.run("dmesg | grep -i 'EXT4-fs error' || true").strip() == ""
