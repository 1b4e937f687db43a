"""Every operation of Octavia's REST driver (contract agent-api §4) against one amphora, in the order of a life."""

import hashlib

import pytest
from octavia.amphorae.drivers.haproxy import exceptions

from lab import models, traffic
from lab.commands import run, wait_until
from lab.controller import FAST

@pytest.fixture(scope="module", name="balancer")
def _balancer(single):
    return models.load_balancer([single.row])


@pytest.fixture(scope="module", name="client")
def _client(controller):
    return controller.driver.clients["1.0"]


def _haproxy(balancer):
    return f"haproxy-{balancer.id}.service"


def test_check_learns_the_version(controller, single):
    single.row.api_version = None
    single.wait()
    assert single.row.api_version == "1.0"


def test_get_info_names_the_package_versions(controller, single):
    info = controller.driver.get_info(single.row)
    for key, package in (("haproxy_version", "haproxy"), ("keepalived_version", "keepalived"),
                         ("ipvsadm_version", "ipvsadm")):
        assert info[key] == single.container.execute("dpkg-query", "-W", "-f=${Version}", package)
    assert info["hostname"] == "amphora" and info["api_version"] == "1.0"


def test_get_details_before_any_load_balancer(client, single):
    details = client.get_details(single.row)
    assert details["haproxy_count"] == 0 and details["listeners"] == [] and details["networks"] == {}
    assert all(isinstance(details["memory"][key], int) for key in ("free", "buffers", "cached"))


def test_a_vip_plug_before_the_nic_is_there_is_retried_until_it_is(controller, single, balancer):
    """The controller repeats the 404 that names the missing interface; here it gives up after two tries."""
    patience = controller.options.haproxy_amphora.connection_max_retries
    controller.options.set_override("connection_max_retries", 2, "haproxy_amphora")
    try:
        with pytest.raises(Exception) as raised:
            controller.driver.post_vip_plug(single.row, balancer, None, single.vip_port(), models.VIP_SUBNET, [])
        assert type(raised.value).__name__ == "TimeOutException"
    finally:
        controller.options.set_override("connection_max_retries", patience, "haproxy_amphora")


def test_post_vip_plug_configures_eth1(controller, single, balancer):
    single.container.plug("vip", single.vip_mac, "ens4")
    controller.driver.post_vip_plug(single.row, balancer, None, single.vip_port(), models.VIP_SUBNET, [])
    assert sorted(single.container.addresses("eth1")) == ["203.0.113.10/32", "203.0.113.11/24"]
    assert "mtu 1450" in single.container.traffic("ip", "link", "show", "eth1")
    assert "198.51.100.0/24 via 203.0.113.1" in single.container.traffic("ip", "route")
    assert "default via 203.0.113.1" in single.container.traffic("ip", "route", "show", "table", "1")
    assert "from 203.0.113.10 lookup 1" in single.container.traffic("ip", "rule")


def test_post_vip_plug_again_is_taken_for_done(controller, single, balancer):
    controller.driver.post_vip_plug(single.row, balancer, None, single.vip_port(), models.VIP_SUBNET, [])


def test_post_network_plug_takes_the_next_free_name(controller, single):
    single.container.plug("members", single.member_mac, "ens5")
    controller.driver.post_network_plug(single.row, single.member_port(), None)
    assert single.container.addresses("eth2") == ["10.1.0.11/24"]
    assert "mtu 1400" in single.container.traffic("ip", "link", "show", "eth2")


def test_post_network_plug_again_updates_the_subnets(controller, single):
    six = [("2001:db8:2::11", models.MEMBER6_SUBNET)]
    controller.driver.post_network_plug(single.row, single.member_port(six), None)
    assert sorted(single.container.addresses("eth2")) == ["10.1.0.11/24", "2001:db8:2::11/64"]
    controller.driver.post_network_plug(single.row, single.member_port(), None)
    assert single.container.addresses("eth2") == ["10.1.0.11/24"]


def test_members_on_the_vip_network_keep_the_vip(controller, single):
    """The VIP port is plugged again as a member port, with the VIP's data beside it."""
    more = [("203.0.113.111", models.VIP_SUBNET)]
    network = {"vip_subnet": models.VIP_SUBNET.to_dict(recurse=True)}
    controller.driver.post_network_plug(single.row, single.vip_port(more), network)
    assert set(single.container.addresses("eth1")) >= {"203.0.113.10/32", "203.0.113.11/24", "203.0.113.111/24"}
    controller.driver.post_network_plug(single.row, single.vip_port(), network)
    assert set(single.container.addresses("eth1")) == {"203.0.113.10/32", "203.0.113.11/24"}


@pytest.mark.parametrize(("address", "name"), [("203.0.113.11", "eth1"), ("203.0.113.10", "eth1"), ("10.1.0.11", "eth2")])
def test_get_interface_from_ip(controller, single, address, name):
    assert controller.driver.get_interface_from_ip(single.row, address, FAST) == name


def test_get_interface_from_ip_of_nobody_is_not_found(controller, single):
    with pytest.raises(exceptions.NotFound):
        controller.driver.get_interface_from_ip(single.row, "192.0.2.1", FAST)


def test_update_without_listeners_does_nothing(controller, single, balancer):
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    assert not single.container.exists(f"/var/lib/octavia/{balancer.id}")


def test_the_first_update_starts_haproxy(controller, single, balancer, client, members):
    pool = models.pool(balancer, [("10.1.0.101", 8080)])
    models.listener(balancer, "HTTP", 80, pool)
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    assert single.container.state(_haproxy(balancer)) == "active"
    assert single.container.execute("systemctl", "is-enabled", _haproxy(balancer)).strip() == "enabled"
    assert traffic.bodies("http://203.0.113.10/") == {"m1"}
    details = client.get_details(single.row)
    assert details["haproxy_count"] == 1 and set(details["networks"]) == {"eth1", "eth2"}


def test_a_tls_listener_brings_certificates_and_crt_list(controller, single, balancer, client):
    first, second = (controller.tenant_certificate(name) for name in ("www.example.com", "shop.example.com"))
    listener = models.listener(balancer, "TERMINATED_HTTPS", 443, balancer.pools[0], tls_certificate_id=first)
    listener.sni_containers = [models.models.SNI(listener_id=listener.id, position=1, tls_container_id=second)]
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    folder = f"/var/lib/octavia/certs/{balancer.id}"
    crt_list = single.container.read(f"{folder}/{listener.id}.pem").splitlines()
    assert len(crt_list) == 2 and all(line.startswith(folder) for line in crt_list)
    for line in crt_list:
        name = line.rsplit("/", 1)[1]
        stored = single.container.read(line)
        assert client.get_cert_md5sum(single.row, balancer.id, name) == hashlib.md5(stored.encode()).hexdigest()
        assert single.container.execute("stat", "-c", "%a", line).strip() == "600"
    assert [row["type"] for row in client.get_all_listeners(single.row)].count("TERMINATED_HTTPS") == 1


@pytest.mark.parametrize("name", ["www.example.com", "shop.example.com"])
def test_the_certificate_follows_sni(name):
    result = traffic.get("https://203.0.113.10/", "--host", name)
    assert not result["failures"]
    assert name in run("openssl", "x509", "-noout", "-subject", stdin=result["certificate"])


def test_start_and_reload_keep_haproxy_running(controller, single, balancer):
    main = single.container.property(_haproxy(balancer), "MainPID")
    controller.driver.start(balancer, single.row, FAST)
    controller.driver.reload(balancer, single.row, FAST)
    assert single.container.property(_haproxy(balancer), "MainPID") == main


def test_reload_of_a_stopped_haproxy_starts_it(controller, single, balancer):
    single.container.execute("systemctl", "stop", _haproxy(balancer))
    controller.driver.reload(balancer, single.row, FAST)
    assert single.container.state(_haproxy(balancer)) == "active"


def test_a_configuration_that_haproxy_refuses_changes_nothing(single, balancer, client):
    path = f"/var/lib/octavia/{balancer.id}/haproxy.cfg"
    before = single.container.read(path)
    with pytest.raises(exceptions.InvalidRequest):
        client.upload_config(single.row, balancer.id, "frontend broken\n  bind nowhere\n")
    assert single.container.read(path) == before
    assert single.container.exists(f"{path}.new-failed")
    assert traffic.bodies("http://203.0.113.10/") == {"m1"}


def test_a_rotated_server_certificate_serves_the_next_connection(controller, single):
    old = single.container.read("/etc/octavia/certs/server.pem")
    new = controller.server_pem(single.row.id)
    controller.driver.upload_cert_amp(single.row, new.encode())
    assert single.container.read("/etc/octavia/certs/server.pem") == new != old
    shown = run("openssl", "s_client", "-connect", f"{single.row.lb_network_ip}:9443", "-cert",
                "/run/amphora-interop/controller/client.pem", stdin="")
    serial = run("openssl", "x509", "-noout", "-serial", stdin=shown)
    assert serial == run("openssl", "x509", "-noout", "-serial", stdin=new)
    single.wait()


def test_a_server_certificate_of_another_key_is_refused(controller, single):
    good = single.container.read("/etc/octavia/certs/server.pem")
    certificate = controller.server_pem(single.row.id).split("-----BEGIN RSA")[0]
    with pytest.raises((exceptions.InvalidRequest, exceptions.InternalServerError)):
        controller.driver.upload_cert_amp(
            single.row, (certificate + "-----BEGIN RSA" + good.split("-----BEGIN RSA")[1]).encode())
    assert single.container.read("/etc/octavia/certs/server.pem") == good
    single.wait()


def test_update_amphora_agent_config_replaces_the_file(controller, single):
    text = controller.agent_config(single.row.id, "SINGLE").replace("debug = False", "debug = True")
    controller.driver.update_amphora_agent_config(single.row, text, FAST)
    assert single.container.read("/etc/octavia/amphora-agent.conf") == text
    with pytest.raises(exceptions.InternalServerError):
        controller.driver.update_amphora_agent_config(single.row, "[broken\n", FAST)
    assert single.container.read("/etc/octavia/amphora-agent.conf") == text


def test_deleting_one_of_two_listeners_leaves_the_other(controller, single, balancer, client):
    secure = next(row for row in balancer.listeners if row.protocol == "TERMINATED_HTTPS")
    controller.driver.delete(secure)
    assert [row["type"] for row in client.get_all_listeners(single.row)] == ["HTTP"]
    assert traffic.bodies("http://203.0.113.10/") == {"m1"}
    assert traffic.get("https://203.0.113.10/")["failures"]


def test_deleting_the_last_listener_removes_everything(controller, single, balancer, client):
    controller.driver.delete(balancer.listeners[0])
    assert client.get_all_listeners(single.row) == []
    for path in (f"/var/lib/octavia/{balancer.id}", f"/var/lib/octavia/{balancer.id}.sock",
                 f"/var/lib/octavia/certs/{balancer.id}", f"/usr/lib/systemd/system/{_haproxy(balancer)}"):
        assert not single.container.exists(path), path
    assert single.container.state(_haproxy(balancer)) == "inactive"
    client.delete_listener(single.row, balancer.id)


def test_a_new_load_balancer_can_follow(controller, single, members):
    other = models.load_balancer([single.row])
    models.listener(other, "HTTP", 80, models.pool(other, [("10.1.0.102", 8080)]))
    controller.driver.update_amphora_listeners(other, single.row, FAST)
    wait_until("it answers", lambda: traffic.bodies("http://203.0.113.10/") == {"m2"}, 5)
    assert single.container.execute("systemctl", "list-units", "--failed", "--plain", "--no-legend").strip() == ""
