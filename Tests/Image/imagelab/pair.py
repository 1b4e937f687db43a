"""Two amphorae that share an IPv4 and an IPv6 VIP, with keepalived between them, as controllers make them."""

import concurrent.futures
import json
import re
import typing

from bootlab.failure import LabError
from bootlab.host import wait_until
from bootlab.machine import Shape
from imagelab import networks
from imagelab.amphora import Amphora
from imagelab.associations import AssociationMember
from imagelab.balancer import Balancer, kernel_listener

#: What happened, with the seconds without an answer that it cost; for the summary at the end.
OUTAGES = []
#: What the kernel's table has when all members are well: services by protocol and address with their members' number.
#: /proc/net/ip_vs has addresses and the port 5353 in hexadecimal.
SERVICES = {("UDP", "CB00710A:14E9"): 2, ("UDP", "[2001:0db8:0001:0000:0000:0000:0000:0010]:14E9"): 2,
            ("SCTP", "CB00710A:14E9"): 2}


class Place(typing.NamedTuple):
    """What each of the two has of its own."""

    forwards_at: str
    vip_tap: str
    vip_mac: str
    member_tap: str
    member_mac: str
    vrrp: str
    among_members: typing.Sequence[str]
    priority: int


PLACES = (
    Place("127.0.0.1", networks.VIP_TAP, networks.VIP_MAC, networks.MEMBER_TAP, networks.MEMBER_MAC, networks.VRRP,
          (f"{networks.AMPHORA_AMONG_MEMBERS}/24", "2001:db8:2::5/64"), 100),
    Place("127.0.0.2", networks.PEER_VIP_TAP, "fa:16:3e:00:00:12", networks.PEER_MEMBER_TAP, "fa:16:3e:00:00:13",
          "203.0.113.5", ("10.1.0.6/24", "2001:db8:2::6/64"), 90),
)
_SUBNETS = {
    "vip": {"cidr": "203.0.113.0/24", "gateway_ip": networks.CLIENT, "host_routes": []},
    "vip6": {"cidr": "2001:db8:1::/64", "gateway_ip": networks.CLIENT6, "host_routes": []},
}


class PairBalancer(Balancer):
    """The load balancer as one of the two gets it."""

    def __init__(self, amphora, folder, amphorae):
        super().__init__(amphora, folder)
        self._amphorae = amphorae

    def _document(self, listeners):
        document = super()._document(listeners)
        document["loadbalancer"] |= {
            "vip_subnet_id": "vip", "additional_vips": [{"ip_address": networks.VIP6, "subnet_id": "vip6"}]}
        document["context"] |= {
            "topology": "ACTIVE_STANDBY", "subnets": _SUBNETS,
            # Twice as patient as the default: a check that is late, as under emulation, counts as failed.
            "options": {"vrrp_check_interval": 10},
            "vrrp_group": {"vrrp_group_name": self.id.replace("-", ""), "vrrp_auth_type": "PASS",
                           "vrrp_auth_pass": "6d1c0f2", "advert_int": 1},
            "amphorae": [
                {"id": each.id, "status": "ALLOCATED", "vrrp_ip": place.vrrp, "vrrp_id": 1,
                 "vrrp_interface": each.call("interface", place.vrrp).strip(), "vrrp_priority": place.priority}
                for each, place in zip(self._amphorae, PLACES)]}
        return document

    def start_vrrp(self, *listeners):
        """Uploads keepalived's configuration and starts it."""
        self._amphora.call("vrrp", "put", self.render(*listeners) / "keepalived.conf")
        self._amphora.call("vrrp", "start")


class Pair:
    """The two, and members that answer datagrams and associations."""

    def __init__(self, controller, folder):
        self._folder = folder
        self.amphorae = [
            Amphora(controller, f"pair-{number}", folder, Shape(512, 1, forwards_at=place.forwards_at),
                    drive=["--topology", "ACTIVE_STANDBY"], address=place.forwards_at)
            for number, place in enumerate(PLACES)]
        self.datagram_members = {name: networks.DatagramMember(name) for name in networks.ADDRESSES}
        self.association_members = {name: AssociationMember(name) for name in networks.MEMBERS}

    def boot(self):
        """Boots both at a time."""
        for amphora in self.amphorae:
            amphora.power_on()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda amphora: amphora.wait("one of a pair"), self.amphorae))

    def deploy(self):
        """Plugs everything in, starts keepalived, and gives both a UDP and an SCTP listener, in the controller's order."""
        for amphora, place in zip(self.amphorae, PLACES):
            self._plug(amphora, place)
        listeners = [kernel_listener("UDP", tuple(networks.ADDRESSES)), kernel_listener("SCTP")]
        balancers = []
        for number, amphora in enumerate(self.amphorae):
            folder = self._folder / f"balancer-{number}"
            folder.mkdir()
            balancers.append(PairBalancer(amphora, folder, self.amphorae))
            balancers[-1].start_vrrp(*listeners)
        for balancer in balancers:
            balancer.apply_to_kernel(*listeners)

    def _plug(self, amphora, place):
        amphora.hot_plug(place.vip_tap, place.vip_mac)
        amphora.hot_plug(place.member_tap, place.member_mac)
        body = self._folder / "vip.json"
        body.write_text(json.dumps({
            "subnet_cidr": _SUBNETS["vip"]["cidr"], "gateway": networks.CLIENT, "mac_address": place.vip_mac,
            "vrrp_ip": place.vrrp, "mtu": None, "host_routes": [], "additional_vips": [
                {"ip_address": networks.VIP6, "subnet_cidr": _SUBNETS["vip6"]["cidr"], "gateway": networks.CLIENT6,
                 "host_routes": []}]}))
        addresses = [word for address in place.among_members for word in ("--ip", address)]
        # A controller repeats what the agent refuses because the NIC is not there yet.
        wait_until("the VIP's port is plugged", lambda: amphora.call("plug", "vip", networks.VIP, "--body", body), 60, every=1)
        wait_until("the member network is plugged", lambda: amphora.call(
            "plug", "network", "--mac", place.member_mac, *addresses), 60, every=1)

    def holder(self, seconds=60):
        """The only one that has the VIPs, and has both."""
        def only():
            found = {amphora: self._vips(amphora) for amphora in self.amphorae if amphora.machine.is_running}
            holders = [amphora for amphora, vips in found.items() if vips == {networks.VIP, networks.VIP6}]
            if len(holders) != 1 or any(vips for amphora, vips in found.items() if amphora is not holders[0]):
                raise LabError(f"VIPs: {[(amphora.name, vips) for amphora, vips in found.items()]}")
            return holders[0]
        return wait_until("both VIPs are on one amphora", only, seconds, every=0.5)

    @staticmethod
    def _vips(amphora):
        text = amphora.in_traffic_namespace("ip -o addr show dev eth1")
        return {vip for vip in (networks.VIP, networks.VIP6) if f" {vip}/" in text}

    def other(self, amphora):
        """The one that is not this one."""
        return self.amphorae[self.amphorae.index(amphora) - 1]

    @staticmethod
    def vrrp_state(amphora):
        """The state that its keepalived has entered last: MASTER, BACKUP or FAULT."""
        text = amphora.run("journalctl -b -q --no-pager -o cat -u octavia-keepalived.service")
        return re.findall(r"Entering ([A-Z]+) STATE", text)[-1]

    def remove(self):
        """Ends both, and the members."""
        for amphora in self.amphorae:
            amphora.remove()
        for member in [*self.datagram_members.values(), *self.association_members.values()]:
            member.stop()


def services(amphora):
    """The kernel's table: how many members each service has, by protocol and address."""
    counts, service = {}, None
    for line in amphora.in_traffic_namespace("cat /proc/net/ip_vs").splitlines():
        words = line.split()
        if words[0] in ("UDP", "SCTP"):
            service = tuple(words[:2])
            counts[service] = 0
        elif words[0] == "->" and service:
            counts[service] += 1
    return counts
