"""The controller: Octavia's own code, configured by an octavia.conf as an operator writes one.

Nothing of it is replaced. Only the objects that it would read from its database are made by `lab.models`; what the driver
writes there goes to SQLite in memory.
"""

import pathlib
import socket
import uuid

from octavia.amphorae.backends.agent import agent_jinja_cfg
from octavia.amphorae.drivers.haproxy import rest_api_driver
from octavia.amphorae.drivers.health import heartbeat_udp
from octavia.amphorae.drivers.keepalived import vrrp_rest_driver
from octavia.certificates.generator import local as generator
from octavia.certificates.manager import local as manager
from octavia.common import config
from octavia.db import api as db_api
from octavia.db import base_models
from oslo_config import cfg

from lab import identities, network
from lab.commands import wait_until

DIRECTORY = pathlib.Path("/run/amphora-interop/controller")
KEY = "interop & <key>"
PORT = 5555
#: How often and how long a call is tried: less than the controller itself does.
FAST = {"conn_max_retries": 2, "conn_retry_interval": 0.5, "req_conn_timeout": 5, "req_read_timeout": 30}


class Driver(rest_api_driver.HaproxyAmphoraLoadBalancerDriver):
    """The driver as Octavia's workers have it: REST with VRRP mixed in."""

    assert issubclass(rest_api_driver.HaproxyAmphoraLoadBalancerDriver, vrrp_rest_driver.KeepalivedAmphoraDriverMixin)


class Controller:
    """One controller with its CAs, its driver and its heartbeat receiver."""

    def __init__(self):
        DIRECTORY.mkdir()
        (DIRECTORY / "secrets").mkdir()
        self.server_ca = identities.authority(DIRECTORY, "server-ca")
        self.client_ca = identities.authority(DIRECTORY, "client-ca")
        certificate, key = identities.issue(DIRECTORY, self.client_ca, "controller")
        (DIRECTORY / "client.pem").write_text(certificate + key)
        (DIRECTORY / "octavia.conf").write_text(self._options())
        config.init(["--config-file", str(DIRECTORY / "octavia.conf")])
        self.options = cfg.CONF
        self.driver = Driver()
        self.receiver = heartbeat_udp.UDPStatusGetter()
        self._generator = generator.LocalCertGenerator()

    def _options(self):
        return f"""
[database]
connection = sqlite://
[health_manager]
bind_ip = {network.CONTROLLER}
bind_port = {PORT}
controller_ip_port_list = {network.CONTROLLER}:{PORT}
heartbeat_interval = 1
heartbeat_key = {KEY}
[haproxy_amphora]
client_cert = {DIRECTORY}/client.pem
server_ca = {self.server_ca[0]}
connection_max_retries = 20
connection_retry_interval = 1
# A machine without CAP_SYS_RESOURCE cannot raise haproxy's limit of open files to what the default of 50000 needs.
default_connection_limit = 1000
[certificates]
cert_manager = local_cert_manager
storage_path = {DIRECTORY}/secrets
ca_certificate = {self.server_ca[0]}
ca_private_key = {self.server_ca[1]}
"""

    # What a new amphora is given

    def agent_config(self, amphora_id, topology):
        """The agent's configuration file as the controller delivers it."""
        return agent_jinja_cfg.AgentJinjaTemplater().build_agent_config(amphora_id, topology)

    def server_pem(self, amphora_id):
        """A new server certificate with key, as the controller issues it."""
        pair = self._generator.generate_cert_key_pair(cn=amphora_id, validity=2592000)
        return (pair.certificate + pair.private_key).decode()

    def prepare(self, container, amphora_id, topology):
        """Puts the files into a machine that has not booted yet, with the modes that cloud-init leaves."""
        container.write("/etc/octavia/amphora-agent.conf", self.agent_config(amphora_id, topology), 0o660)
        container.write("/etc/octavia/certs/server.pem", self.server_pem(amphora_id), 0o660)
        container.write("/etc/octavia/certs/client_ca.pem", self.client_ca[0].read_text(), 0o660)
        container.write("/etc/rsyslog.d/10-rsyslog.conf", "", 0o660)

    # Secrets of tenants

    def tenant_certificate(self, name):
        """Stores a certificate for a name in the secret store; returns its reference."""
        authority = identities.authority(DIRECTORY, f"tenant-{uuid.uuid4().hex[:8]}")
        certificate, key = identities.issue(DIRECTORY, authority, f"tenant-{name}", name)
        return self.store(certificate, key)

    def store(self, certificate, key):
        """Stores a certificate with its key in the secret store; returns its reference."""
        return manager.LocalCertManager.store_cert(None, certificate, key)

    def tenant_secret(self, text):
        """Stores a secret that is one text, such as a CA or a CRL; returns its reference."""
        reference = str(uuid.uuid4())
        (DIRECTORY / "secrets" / f"{reference}.crt").write_text(text)
        return reference

    # Database

    def remember(self, listener):
        """Makes a row for a listener, for the one case in which the driver itself changes it."""
        base_models.BASE.metadata.create_all(db_api.get_engine())
        row = {"id": listener.id, "name": listener.name, "protocol": listener.protocol,
               "protocol_port": listener.protocol_port, "load_balancer_id": listener.load_balancer_id,
               "provisioning_status": "PENDING_UPDATE", "operating_status": "ONLINE", "enabled": True,
               "client_authentication": "NONE"}
        database = db_api.get_engine().raw_connection().cursor()
        # What the row refers to is not there.
        database.execute("PRAGMA foreign_keys = OFF")
        for table in ("provisioning_status", "operating_status"):
            database.execute(f"INSERT OR IGNORE INTO {table} (name) VALUES ('ERROR')")
        database.execute(
            f"INSERT INTO listener ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))

    def recollect(self, listener):
        """The provisioning status that the driver has left in a listener's row."""
        with db_api.get_engine().connect() as database:
            query = "SELECT provisioning_status FROM listener WHERE id = ?"
            return database.exec_driver_sql(query, (listener.id,)).scalar()

    # Heartbeats

    def drain_heartbeats(self):
        """Throws away what has arrived so far."""
        self.receiver.sock.setblocking(False)
        try:
            while True:
                self.receiver.sock.recv(65536)
        except BlockingIOError:
            pass
        self.receiver.sock.settimeout(1)

    def heartbeat(self, amphora_id, condition=lambda message: True, seconds=20):
        """The next heartbeat of an amphora that meets a condition, received and verified by Octavia's code."""
        seen = []

        def receive():
            try:
                message, _ = self.receiver.dorecv()
            except socket.timeout:
                return None
            if message["id"] != amphora_id:
                return None
            seen.append(message)
            return message if condition(message) else None

        try:
            return wait_until("a heartbeat", receive, seconds, every=0)
        except AssertionError as error:
            raise AssertionError(f"{error}; {len(seen)} came, the last: {seen[-1:]}") from None
