"""Certificates that tenants add to listeners and pools: client CA, CRL, re-encryption; and secrets that are gone (contract
agent-api §4.3)."""

import pathlib
import subprocess

import pytest

from lab import controller as controllers
from lab import identities, models, traffic
from lab.commands import run, wait_until
from lab.controller import FAST

HTTPS, HTTP = "https://203.0.113.10/", "http://203.0.113.10:8443/"
DIRECTORY = controllers.DIRECTORY


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    result = models.load_balancer([single.row])
    single.plug(result)
    return result


@pytest.fixture(scope="module", name="authority")
def _authority(controller):
    """A tenant's CA with three certificates."""
    authority = identities.authority(DIRECTORY, "tenant-clients")
    for name in ("alice", "bob", "member", "balancer"):
        certificate, key = identities.issue(DIRECTORY, authority, name)
        (DIRECTORY / f"{name}.pem").write_text(certificate + key)
    return authority


def _update(controller, single, balancer):
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)


def _stored(single, balancer):
    folder = f"/var/lib/octavia/certs/{balancer.id}"
    return {name: single.container.read(f"{folder}/{name}")
            for name in single.container.execute("ls", folder).split()}


def _answers(url, *options):
    return traffic.get(url, "--timeout", 5, *options)["bodies"]


def test_a_client_ca_and_a_revocation_list_decide_who_may_come_in(controller, single, balancer, authority):
    lists = [identities.revocation_list(DIRECTORY, authority, "clients", names) for names in ((), ("bob",))]
    listener = models.listener(
        balancer, "TERMINATED_HTTPS", 443, models.pool(balancer, [("10.1.0.101", 8080)]),
        tls_certificate_id=controller.tenant_certificate("www.example.com"), client_authentication="MANDATORY",
        client_ca_tls_certificate_id=controller.tenant_secret(authority[0].read_text()),
        client_crl_container_id=controller.tenant_secret(lists[0]))
    _update(controller, single, balancer)
    assert {authority[0].read_text(), lists[0]} <= set(_stored(single, balancer).values())
    alice, bob = (["--identity", DIRECTORY / f"{name}.pem"] for name in ("alice", "bob"))
    assert _answers(HTTPS, *alice) == _answers(HTTPS, *bob) == {"m1": 1}
    assert not _answers(HTTPS), "without a certificate"
    assert not _answers(HTTPS, "--identity", DIRECTORY / "client.pem"), "of another CA"

    listener.client_crl_container_id = controller.tenant_secret(lists[1])
    _update(controller, single, balancer)
    assert _answers(HTTPS, *alice) == {"m1": 1}
    assert not _answers(HTTPS, *bob), "revoked"


@pytest.fixture(name="tls_member")
def _tls_member(authority):
    """A member that speaks TLS, asks for a certificate of the tenant's CA, and answers what it was shown."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", "members", "openssl", "s_server", "-accept", "10.1.0.102:8443", "-www",
         "-cert", DIRECTORY / "member.pem", "-CAfile", authority[0], "-Verify", "1", "-verify_return_error"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until("the member listens", lambda: "10.1.0.102:8443" in run("ip", "netns", "exec", "members", "ss", "-Hltn"))
    yield
    process.kill()
    process.wait()


def test_a_pool_shows_its_certificate_and_checks_the_members(controller, single, balancer, authority, tls_member):
    lists = [identities.revocation_list(DIRECTORY, authority, "members", names) for names in ((), ("member",))]
    certificate, key = (pathlib.Path(DIRECTORY / f"balancer.{suffix}").read_text() for suffix in ("crt", "pk"))
    pool = models.pool(
        balancer, [("10.1.0.102", 8443)], tls_enabled=True,
        tls_certificate_id=controller.store(certificate, key),
        ca_tls_certificate_id=controller.tenant_secret(authority[0].read_text()),
        crl_container_id=controller.tenant_secret(lists[0]))
    models.listener(balancer, "HTTP", 8443, pool)
    _update(controller, single, balancer)
    stored = _stored(single, balancer)
    assert lists[0] in stored.values() and any(
        certificate.strip() in text and "PRIVATE KEY" in text for text in stored.values())
    (body,) = wait_until("the member answers", lambda: _answers(HTTP), 10)
    assert "CN = balancer" in body or "CN=balancer" in body

    pool.crl_container_id = controller.tenant_secret(lists[1])
    _update(controller, single, balancer)
    assert not _answers(HTTP), "the member's certificate is revoked"


def test_secrets_that_are_gone_cost_their_listener_and_at_last_all(controller, single, balancer):
    """The driver leaves out what it cannot render; when nothing is left it deletes the load balancer's haproxy."""
    secure = next(row for row in balancer.listeners if row.protocol == "TERMINATED_HTTPS")
    plain = next(row for row in balancer.listeners if row.protocol == "HTTP")
    for row in (secure, plain):
        controller.remember(row)
    secure.tls_certificate_id = "gone"
    _update(controller, single, balancer)
    client = controller.driver.clients["1.0"]
    assert [row["type"] for row in client.get_all_listeners(single.row)] == ["HTTP"]
    assert controller.recollect(secure) == "ERROR" and controller.recollect(plain) != "ERROR"

    plain.default_pool.ca_tls_certificate_id = "gone"
    _update(controller, single, balancer)
    assert controller.recollect(plain) == "ERROR"
    assert client.get_all_listeners(single.row) == []
    for path in (f"/var/lib/octavia/{balancer.id}", f"/var/lib/octavia/certs/{balancer.id}"):
        assert not single.container.exists(path), path
    assert single.container.state(f"haproxy-{balancer.id}.service") == "inactive"
