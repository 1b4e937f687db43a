"""UDP and SCTP listeners outlive one amphora of a pair: the other one takes the VIPs and answers."""

import contextlib
import time

import pytest

from bootlab.host import wait_until
from imagelab import networks
from imagelab.associations import ask_for_association
from imagelab.balancer import UDP_LISTENER
from imagelab.pair import OUTAGES, SERVICES, services

#: Three missed advertisements and (256 - priority) / 256 s until a backup takes over, 3.7 s; the rest is for emulation on a
#: busy machine.
SILENT_PEER = 15
#: keepalived's check, every 10 s here, must fail twice before the master gives up.
FAILED_CHECK = 40
_QUESTIONS = {
    "UDP, IPv4": lambda: networks.ask_datagram(5353, networks.VIP, timeout=0.5),
    "UDP, IPv6": lambda: networks.ask_datagram(5353, networks.VIP6, timeout=0.5),
    "SCTP, IPv4": lambda: ask_for_association(5353, networks.VIP, timeout=0.5),
}


@contextlib.contextmanager
def _outage(what, limit):
    """Asks without a pause while something happens, and until there are answers again; no gap may be longer than the limit."""
    with contextlib.ExitStack() as stack:
        loads = {name: stack.enter_context(networks.Load(ask)) for name, ask in _QUESTIONS.items()}
        for name, load in loads.items():
            wait_until(f"{name}: answers before", lambda load=load: len(load.answered) >= 5, 60)
        yield
        after = time.monotonic()
        for name, load in loads.items():
            wait_until(f"{name}: answers after", lambda load=load: load.answered[-1][0] > after, 60)
    longest = {name: round(load.outage, 1) for name, load in loads.items()}
    OUTAGES.extend((f"{what}, {name}", seconds) for name, seconds in longest.items())
    assert max(longest.values()) <= limit, longest


def _expect_everything_at(pair, amphora):
    """It alone has the VIPs, its kernel has the listeners, and all members are reached."""
    assert pair.holder() is amphora
    assert services(amphora) == SERVICES
    for ask, vip, members in (
        (networks.ask_datagram, networks.VIP, {"m1", "m2"}), (networks.ask_datagram, networks.VIP6, {"m1-6", "m2-6"}),
        (ask_for_association, networks.VIP, {"m1", "m2"}),
    ):
        assert {ask(5353, vip) for _ in range(8)} == members


@pytest.fixture(name="ready", scope="module")
def _ready(pair):
    """The pair, when all members are in both kernels."""
    for amphora in pair.amphorae:
        wait_until("all members are in the kernel's table", lambda: services(amphora) == SERVICES, 90, every=1)
    return pair


def test_a_listeners_keepalived_that_is_killed_moves_the_vips(ready):
    holder = ready.holder()
    peer = ready.other(holder)
    unit = f"octavia-keepalivedlvs-{UDP_LISTENER}.service"
    with _outage("while a listener's keepalived was dead", FAILED_CHECK):
        holder.run(f"kill -KILL $(systemctl show --value -p MainPID {unit})")
        wait_until("the VIPs have moved", lambda: ready.holder(seconds=1) is peer, 60)
    _expect_everything_at(ready, peer)
    # A controller starts it again: it is well, and the VIPs stay where they are.
    holder.call("start", UDP_LISTENER)
    wait_until("it stands by", lambda: ready.vrrp_state(holder) == "BACKUP", 60, every=1)
    wait_until("its kernel has all members", lambda: services(holder) == SERVICES, 60, every=1)
    _expect_everything_at(ready, peer)


def test_a_power_cut_of_the_master_moves_the_vips(ready):
    holder = ready.holder()
    peer = ready.other(holder)
    wait_until("the other one stands by", lambda: ready.vrrp_state(peer) == "BACKUP", 60, every=1)
    with _outage("after a power cut", SILENT_PEER):
        holder.cut_power()
        assert ready.holder() is peer
    _expect_everything_at(ready, peer)
