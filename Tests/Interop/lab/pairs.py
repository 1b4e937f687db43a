"""Two amphorae of one load balancer: bringing them into service, and who of them has the VIPs."""

from lab import models
from lab.commands import wait_until
from lab.controller import FAST

VRRP = "octavia-keepalived.service"


def deploy(controller, pair, balancer, pool):
    """Plugs everything in, starts keepalived and gives both an HTTP listener, in the controller's order."""
    driver = controller.driver
    for amphora in pair:
        amphora.plug(balancer)
        amphora.row.vrrp_interface = driver.get_interface_from_ip(amphora.row, amphora.row.vrrp_ip)
        driver.update_vrrp_conf(balancer, models.network_config(amphora.row, balancer), amphora.row, FAST)
        driver.start_vrrp_service(amphora.row, FAST)
    models.listener(balancer, "HTTP", 80, pool)
    for amphora in pair:
        driver.update_amphora_listeners(balancer, amphora.row, FAST)


def holders(pair, *vips):
    """Those that have any of these addresses."""
    return [amphora for amphora in pair if amphora.container.is_running
            and not set(vips).isdisjoint(amphora.container.addresses("eth1"))]


def holder(pair, *vips, seconds=30):
    """The only one that has any of the addresses, and has all; for two seconds in a row."""
    seen = []

    def steady():
        found = holders(pair, *vips)
        complete = [amphora for amphora in found if set(vips) <= set(amphora.container.addresses("eth1"))]
        seen.append(found if found == complete else None)
        return len(seen) > 20 and all(each and len(each) == 1 and each == seen[-1] for each in seen[-20:])

    wait_until("the VIP is on exactly one amphora", steady, seconds, every=0.1)
    return seen[-1][0]


def other(pair, amphora):
    """The one that is not this one."""
    return pair[1] if amphora is pair[0] else pair[0]
