"""UDP and SCTP listeners with an IPv4 and an IPv6 VIP, which the kernel balances, on the one of a pair that has the VIPs."""

import pytest

from bootlab.host import wait_until
from imagelab import networks
from imagelab.associations import ask_for_association
from imagelab.balancer import SCTP_LISTENER, UDP_LISTENER
from imagelab.pair import SERVICES, services


def _who(ask, vip, count=8):
    """Who answers, of several that are asked for."""
    return {ask(5353, vip) for _ in range(count)}


def test_the_vips_are_on_one_and_the_kernels_of_both_have_the_listeners_with_all_members(pair):
    pair.holder()
    for amphora in pair.amphorae:
        wait_until("all members are in the kernel's table", lambda: services(amphora) == SERVICES, 90, every=1)


@pytest.mark.parametrize(
    "vip, members", [(networks.VIP, {"m1", "m2"}), (networks.VIP6, {"m1-6", "m2-6"})], ids=["IPv4", "IPv6"])
def test_datagrams_reach_both_members(pair, vip, members):
    wait_until("both members answer", lambda: _who(networks.ask_datagram, vip) == members, 60)


def test_associations_reach_both_members_and_no_packet_is_damaged(pair):
    """Addresses and ports are changed on the way, and so must the checksum be."""
    wait_until("both members answer", lambda: _who(ask_for_association, networks.VIP) == {"m1", "m2"}, 60)
    assert {name: member.faults for name, member in pair.association_members.items() if member.faults} == {}


def test_health_checks_leave_no_half_open_associations(pair):
    for name, member in pair.association_members.items():
        wait_until(f"{name} is told that a check is over", lambda member=member: member.ended > 0, 60)


def test_both_tell_both_listeners_and_all_members(pair):
    for amphora in pair.amphorae:
        message = amphora.wait_for_heartbeat("all members", lambda message: message["members_up"] == 6)
        assert message["listeners"] == {UDP_LISTENER: "OPEN", SCTP_LISTENER: "OPEN"}


def test_members_that_fail_their_checks_get_nothing_until_they_are_back(pair):
    """One of each kind at a time: a closed UDP port, and a silent program behind SCTP; the other members stay."""
    holder = pair.holder()
    pair.datagram_members["m2-6"].stop()
    pair.association_members["m2"].is_answering = False
    holder.wait_for_heartbeat(
        "two members are down", lambda message: (message["members_up"], message["members_down"]) == (4, 2), 120)
    assert _who(networks.ask_datagram, networks.VIP) == {"m1", "m2"}
    assert _who(networks.ask_datagram, networks.VIP6) == {"m1-6"}
    assert _who(ask_for_association, networks.VIP) == {"m1"}
    pair.datagram_members["m2-6"] = networks.DatagramMember("m2-6")
    pair.association_members["m2"].is_answering = True
    for amphora in pair.amphorae:
        amphora.wait_for_heartbeat("all members are up", lambda message: message["members_up"] == 6, 120)
    wait_until("both answer datagrams", lambda: _who(networks.ask_datagram, networks.VIP6) == {"m1-6", "m2-6"}, 60)
    wait_until("both take associations", lambda: _who(ask_for_association, networks.VIP) == {"m1", "m2"}, 60)
