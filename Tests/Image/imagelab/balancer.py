"""The load balancer: a document as amphoractl renders it, and the calls that put it on the amphora."""

import hashlib
import json
import uuid

from bootlab.host import run
from imagelab.networks import ADDRESSES, MEMBER_PORT, VIP

CERTIFICATE = "https://keys.example/v1/containers/1b3c5d7e-0000-4000-8000-000000000001"
HTTP_LISTENER, TLS_LISTENER, EXTRA_LISTENER, UDP_LISTENER, SCTP_LISTENER = (
    f"c1a7b3de-0000-4000-8000-{number:012}" for number in range(1, 6))


def listener(identity, protocol, port, members, **more):
    """A listener with a pool of its own, whose members are checked every second."""
    pool = str(uuid.uuid5(uuid.NAMESPACE_URL, identity))
    return {
        "id": identity, "protocol": protocol, "protocol_port": port, "default_pool_id": pool, "default_pool": {
            "id": pool, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN",
            "healthmonitor": {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, pool)), "type": "TCP", "delay": 1, "timeout": 1,
                              "max_retries": 1, "max_retries_down": 1},
            "members": [{"id": str(uuid.uuid5(uuid.NAMESPACE_URL, identity + name)), "address": ADDRESSES[name],
                         "protocol_port": MEMBER_PORT} for name in members],
        }, **more}


def kernel_listener(protocol, members=("m1", "m2")):
    """UDP or SCTP on port 5353, which the kernel balances."""
    result = listener(UDP_LISTENER if protocol == "UDP" else SCTP_LISTENER, protocol, 5353, members)
    pool = result["default_pool"]
    pool["protocol"] = protocol
    # The check is a program of its own, which takes a while to start under emulation.
    pool["healthmonitor"] |= {"type": "UDP-CONNECT" if protocol == "UDP" else "SCTP", "delay": 10, "timeout": 8}
    return result


def http_listener(*members):
    """HTTP on port 80."""
    return listener(HTTP_LISTENER, "HTTP", 80, members or ("m1", "m2"))


def pinged_listener():
    """HTTP on port 80 whose members count as up while they answer to pings."""
    result = http_listener()
    result["default_pool"]["healthmonitor"]["type"] = "PING"
    return result


class TenantCertificate:
    """A tenant's certificate with a key of the traditional form, as controllers upload it."""

    def __init__(self, folder):
        self.folder = folder
        key, certificate = folder / "tenant.key", folder / "tenant.crt"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=www.example.com", "-days", "30",
            "-keyout", folder / "tenant.pk8", "-out", certificate)
        run("openssl", "pkey", "-in", folder / "tenant.pk8", "-traditional", "-out", key)
        run("openssl", "pkey", "-in", key, "-outform", "DER", "-out", folder / "tenant.der")
        self.certificate, self.key = certificate.read_text(), key.read_text()
        self.der = (folder / "tenant.der").read_bytes()
        self.identity = hashlib.sha1(self.certificate.strip().encode()).hexdigest()

    def traces(self):
        """Bytes of the key that would be found wherever it was written: as text, and as what the text means."""
        lines = [line.encode() for line in self.key.splitlines() if len(line) == 64]
        private = [self.der[offset:offset + 48] for offset in (len(self.der) // 3, len(self.der) // 2)]
        return lines[3:6] + lines[-3:] + private


class Balancer:
    """One load balancer on one amphora."""

    def __init__(self, amphora, folder):
        self.id = "0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10"
        self.project = "3d4e1f0a9b8c47d6a5e4f3021b0c9d8e"
        self._amphora, self._folder = amphora, folder
        self.certificate = TenantCertificate(folder)

    def render(self, *listeners):
        """The folder with all configuration files for these listeners."""
        source = self._folder / "document.json"
        source.write_text(json.dumps(self._document(listeners)))
        self._amphora.controller.ctl("render", source, "--output", self._folder / "rendered")
        return self._folder / "rendered"

    def _document(self, listeners):
        return {
            "loadbalancer": {"id": self.id, "project_id": self.project, "vip_address": VIP, "listeners": listeners},
            "context": {
                "topology": "SINGLE", "haproxy_version": self._amphora.info["haproxy_version"],
                "host_amphora_id": self._amphora.id, "certificates": {CERTIFICATE: self.certificate.identity},
                "amphorae": [{"id": self._amphora.id, "status": "ALLOCATED", "role": "STANDALONE"}]}}

    def put(self, *listeners):
        """Uploads the configuration of these listeners; its text."""
        path = self.render(*listeners) / "haproxy.cfg"
        self._amphora.call("config", "put", self.id, path)
        return path.read_text()

    def apply(self, *listeners):
        """Uploads it and has haproxy take it."""
        text = self.put(*listeners)
        self._amphora.call("start", self.id)
        self._amphora.call("reload", self.id)
        return text

    def apply_to_kernel(self, *listeners):
        """Uploads UDP and SCTP listeners beside the others and starts them."""
        folder = self.render(*listeners)
        for each in listeners:
            self._amphora.call("lvs", "put", each["id"], folder / f"lvs-{each['id']}.conf")
            self._amphora.call("start", each["id"])

    def upload_certificate(self):
        """Uploads certificate, key, and the listener's list of certificates."""
        name = f"{self.certificate.identity}.pem"
        (self._folder / "site.pem").write_text(self.certificate.certificate + self.certificate.key)
        (self._folder / "list.pem").write_text(f"/var/lib/octavia/certs/{self.id}/{name}\n")
        self._amphora.call("cert", "put", self.id, name, self._folder / "site.pem")
        self._amphora.call("cert", "put", self.id, f"{TLS_LISTENER}.pem", self._folder / "list.pem")

    def tls_listener(self):
        """HTTPS on port 443 with that certificate."""
        return listener(TLS_LISTENER, "TERMINATED_HTTPS", 443, ("m1", "m2"), default_tls_container_ref=CERTIFICATE)
