"""The objects that Octavia would read from its database: its own data models, filled in."""

import uuid

from octavia.common import data_models as models
from octavia.network import data_models as networks

from lab.network import GATEWAY, GATEWAY6

PROJECT = "b5c1a3f0a1d34b6c8d5f3a2e1c0b9a87"
VIP = "203.0.113.10"
VIP6 = "2001:db8:1::10"


def new_id():
    """A new id, as the controller makes them."""
    return str(uuid.uuid4())


def amphora(container, number, role="STANDALONE", six=False):
    """The row of a machine; with `six` its VIP port has IPv6 addresses."""
    return models.Amphora(
        id=new_id(), lb_network_ip=container.management_address,
        vrrp_ip=f"2001:db8:1::{number}" if six else f"203.0.113.{number}", ha_ip=VIP6 if six else VIP,
        vrrp_port_id=new_id(), ha_port_id=new_id(), role=role, status="ALLOCATED", vrrp_id=1,
        vrrp_priority={"STANDALONE": None, "MASTER": 100, "BACKUP": 90}[role], vrrp_interface=None)


def load_balancer(amphorae, vip=VIP, topology="SINGLE", additional=()):
    """A load balancer without listeners."""
    identity = new_id()
    result = models.LoadBalancer(
        id=identity, project_id=PROJECT, name="interop", enabled=True, topology=topology,
        provisioning_status="PENDING_UPDATE", operating_status="ONLINE", amphorae=list(amphorae),
        vip=models.Vip(load_balancer_id=identity, ip_address=vip, vnic_type="normal"),
        additional_vips=[models.AdditionalVip(load_balancer_id=identity, ip_address=address) for address in additional],
        vrrp_group=models.VRRPGroup(
            load_balancer_id=identity, vrrp_group_name=identity.replace("-", ""), vrrp_auth_type="PASS",
            vrrp_auth_pass="7d3a91c", advert_int=1))
    for row in amphorae:
        row.load_balancer, row.load_balancer_id = result, identity
    return result


def listener(balancer, protocol="HTTP", port=80, pool=None, **more):
    """A listener of a load balancer, with a default pool."""
    result = models.Listener(
        id=new_id(), project_id=PROJECT, name=f"{protocol} {port}", protocol=protocol, protocol_port=port,
        connection_limit=-1, enabled=True, provisioning_status="PENDING_UPDATE", operating_status="ONLINE",
        load_balancer=balancer, load_balancer_id=balancer.id, default_pool=pool,
        default_pool_id=pool.id if pool else None, pools=[pool] if pool else [], peer_port=1025, **more)
    balancer.listeners.append(result)
    if pool:
        pool.listeners.append(result)
    return result


def pool(balancer, members, protocol="HTTP", **more):
    """A pool; members are (address, port) or rows."""
    result = models.Pool(
        id=new_id(), project_id=PROJECT, protocol=protocol, lb_algorithm="ROUND_ROBIN", enabled=True,
        provisioning_status="PENDING_UPDATE", operating_status="ONLINE", load_balancer=balancer,
        load_balancer_id=balancer.id, **more)
    for row in members:
        row = row if isinstance(row, models.Member) else member(*row)
        row.pool, row.pool_id = result, result.id
        result.members.append(row)
    balancer.pools.append(result)
    return result


def member(address, port, weight=1, enabled=True):
    """A member."""
    return models.Member(
        id=new_id(), project_id=PROJECT, ip_address=address, protocol_port=port, weight=weight, enabled=enabled,
        backup=False, provisioning_status="PENDING_UPDATE", operating_status="NO_MONITOR")


def monitor(row, kind="HTTP", delay=1, timeout=1):
    """A health monitor for a pool."""
    row.health_monitor = models.HealthMonitor(
        id=new_id(), project_id=PROJECT, pool_id=row.id, pool=row, type=kind, delay=delay, timeout=timeout,
        fall_threshold=2, rise_threshold=1, enabled=True, http_method="GET", url_path="/health",
        expected_codes="200", provisioning_status="PENDING_UPDATE")
    return row.health_monitor


def path_policy(row, prefix, target):
    """An L7 policy that sends a path to another pool."""
    identity = new_id()
    policy = models.L7Policy(
        id=identity, project_id=PROJECT, listener=row, listener_id=row.id, action="REDIRECT_TO_POOL",
        redirect_pool=target, redirect_pool_id=target.id, position=1, enabled=True,
        provisioning_status="PENDING_UPDATE",
        l7rules=[models.L7Rule(
            id=new_id(), l7policy_id=identity, type="PATH", compare_type="STARTS_WITH", value=prefix, enabled=True,
            provisioning_status="PENDING_UPDATE", project_id=PROJECT)])
    policy.l7rules[0].l7policy = policy
    row.l7policies.append(policy)
    row.pools.append(target)
    return policy


# Networks

VIP_SUBNET = networks.Subnet(
    id=new_id(), cidr="203.0.113.0/24", gateway_ip=GATEWAY, ip_version=4,
    host_routes=[networks.HostRoute(nexthop="203.0.113.1", destination="198.51.100.0/24")])
VIP6_SUBNET = networks.Subnet(
    id=new_id(), cidr="2001:db8:1::/64", gateway_ip=GATEWAY6, ip_version=6,
    host_routes=[networks.HostRoute(nexthop="2001:db8:1::1", destination="2001:db8:9::/48")])
MEMBER_SUBNET = networks.Subnet(
    id=new_id(), cidr="10.1.0.0/24", gateway_ip="10.1.0.1", ip_version=4, host_routes=[])
MEMBER6_SUBNET = networks.Subnet(
    id=new_id(), cidr="2001:db8:2::/64", gateway_ip="2001:db8:2::1", ip_version=6, host_routes=[])


def subnet_of(address):
    """The subnet of the VIP network that an address is in."""
    return VIP6_SUBNET if ":" in address else VIP_SUBNET


def port(identity, mac, addresses, mtu=1450):
    """A port with its addresses, (address, subnet) each."""
    return networks.Port(
        id=identity, mac_address=mac, network=networks.Network(id=new_id(), mtu=mtu), vnic_type="normal",
        fixed_ips=[networks.FixedIP(subnet_id=subnet.id, ip_address=address, subnet=subnet)
                   for address, subnet in addresses])


def additional_vips(balancer):
    """What the plug of a VIP is told about additional ones."""
    return [networks.AdditionalVipData(ip_address=row.ip_address, subnet=VIP6_SUBNET)
            for row in balancer.additional_vips]


def network_config(row, balancer):
    """The network configuration of an amphora, as the VRRP driver takes it."""
    return {row.id: networks.AmphoraNetworkConfig(
        amphora=row, vip_subnet=subnet_of(balancer.vip.ip_address), vrrp_subnet=subnet_of(row.vrrp_ip),
        additional_vip_data=additional_vips(balancer)).to_dict(recurse=True)}
