"""A load balancer through the image: NICs, listener, members, reload, TLS."""

import time

import pytest

from bootlab.host import wait_until
from imagelab import networks
from imagelab.balancer import EXTRA_LISTENER, HTTP_LISTENER, UDP_LISTENER, http_listener, kernel_listener, listener, pinged_listener


def test_both_nics_are_in_the_traffic_namespace_and_the_vip_answers_there(plugged):
    text = plugged.in_traffic_namespace("ip -br -4 addr")
    for address in (networks.VIP, networks.VRRP, networks.AMPHORA_AMONG_MEMBERS):
        assert f" {address}/" in text, text
    assert plugged.call("interface", networks.VIP).strip() == "eth1"
    outside = plugged.run("ip -br addr")
    assert networks.VIP not in outside and networks.AMPHORA_AMONG_MEMBERS not in outside


def test_the_vip_gives_access_to_nothing_but_listeners(balancer):
    for port in (22, 9443, 9101, 111):
        assert networks.is_refused(networks.VIP, port), port
        assert networks.is_refused(networks.VRRP, port), port


def test_requests_reach_both_members_through_the_vip(balancer):
    assert networks.bodies() == {"m1", "m2"}


def test_the_namespace_has_the_tuning(balancer, amphora):
    text = amphora.in_traffic_namespace(
        "sysctl -n net.core.somaxconn net.ipv4.ip_nonlocal_bind net.ipv4.tcp_fin_timeout net.ipv4.ip_local_port_range")
    assert text.split() == ["65534", "1", "5", "1025", "65534"]


def test_the_heartbeat_says_that_listener_and_members_are_up(balancer, amphora):
    message = amphora.wait_for_heartbeat(
        "listener and members", lambda message: message["members_up"] == 2 and message["listeners"])
    assert message["listeners"] == {HTTP_LISTENER: "OPEN"}


def test_a_change_under_traffic_costs_no_request(balancer):
    with networks.Load() as load:
        wait_until("requests are answered", lambda: len(load.answered) >= 20, 30)
        balancer.apply(http_listener("m1"), listener(EXTRA_LISTENER, "HTTP", 8080, ("m2",)))
        wait_until("the new listener answers", lambda: networks.bodies(8080) == {"m2"}, 30)
        changed = time.monotonic()
        wait_until("requests go on", lambda: load.answered[-1][0] > changed + 2, 30)
    assert load.failed == [], f"of {len(load.answered)}"
    assert {body for moment, body in load.answered if moment > changed + 1} == {"m1"}
    balancer.apply(http_listener())
    wait_until("both members again", lambda: networks.bodies() == {"m1", "m2"}, 30)


def test_a_tls_listener_shows_the_uploaded_certificate(balancer):
    balancer.upload_certificate()
    balancer.apply(http_listener(), balancer.tls_listener())
    body, certificate = wait_until("port 443 answers", lambda: networks.get(443, tls=True), 30)
    assert body in networks.MEMBERS
    assert certificate.strip() == balancer.certificate.certificate.strip()


def test_a_member_that_answers_to_no_ping_is_down_until_it_does(balancer, amphora):
    balancer.apply(pinged_listener())
    amphora.wait_for_heartbeat("both members answer to pings", lambda message: message["members_up"] == 2)
    with networks.absent("m2"):
        amphora.wait_for_heartbeat(
            "one does not", lambda message: (message["members_up"], message["members_down"]) == (1, 1))
        assert networks.bodies() == {"m1"}
    amphora.wait_for_heartbeat("both again", lambda message: message["members_up"] == 2)
    balancer.apply(http_listener())


@pytest.fixture(name="datagrams", scope="module")
def _datagrams(balancer, amphora):
    members = [networks.DatagramMember(name) for name in networks.MEMBERS]
    balancer.apply_to_kernel(kernel_listener("UDP"))
    yield members
    amphora.call("delete", UDP_LISTENER)
    for member in members:
        member.stop()


def test_datagrams_reach_both_members_through_the_kernels_load_balancer(datagrams, amphora):
    wait_until("both members answer datagrams",
               lambda: {networks.ask_datagram(5353) for _ in range(6)} == {"m1", "m2"}, 60)
    assert "UDP  " in amphora.in_traffic_namespace("cat /proc/net/ip_vs")


def test_the_masquerade_script_does_what_the_agent_did(datagrams, amphora):
    def script(verb):
        amphora.in_traffic_namespace(f"/usr/local/bin/lvs-masquerade.sh {verb} ipv4 eth2")
        return amphora.in_traffic_namespace("nft list ruleset")
    before = amphora.in_traffic_namespace("nft list ruleset")
    assert 'oifname "eth2"' in before and 'oifname "eth1"' in before
    without = script("delete")
    assert 'oifname "eth2"' not in without and 'oifname "eth1"' in without
    with pytest.raises(TimeoutError):
        # Members see the client's own address now, which is nowhere near them.
        networks.ask_datagram(5353)
    for _ in range(2):
        assert sorted(script("add").splitlines()) == sorted(before.splitlines())
    assert {networks.ask_datagram(5353) for _ in range(6)} == {"m1", "m2"}


def test_the_heartbeat_has_the_udp_listener(datagrams, amphora):
    message = amphora.wait_for_heartbeat("the UDP listener", lambda message: UDP_LISTENER in message["listeners"])
    assert message["listeners"][UDP_LISTENER] == "OPEN"


def test_a_member_that_fails_its_check_gets_no_datagrams_until_it_is_back(datagrams):
    datagrams[1].stop()
    wait_until("all datagrams go to the member that is left",
               lambda: {networks.ask_datagram(5353) for _ in range(12)} == {"m1"}, 90)
    datagrams[1] = networks.DatagramMember("m2")
    wait_until("the member gets datagrams again",
               lambda: {networks.ask_datagram(5353) for _ in range(6)} == {"m1", "m2"}, 90)
