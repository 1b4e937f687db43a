"""A PROMETHEUS listener, as Octavia configures it, and its unit; what is told is compared with upstream's own translation."""

import http.server
import threading
import urllib.request
from unittest import mock

import pytest
from octavia.cmd import prometheus_proxy

from lab import models, traffic
from lab.commands import wait_until
from lab.controller import FAST

URL = "http://203.0.113.10:8088/metrics"


@pytest.fixture(scope="module", name="balancer")
def _balancer(controller, single, members):
    balancer = models.load_balancer([single.row])
    single.plug(balancer)
    models.listener(balancer, "HTTP", 80, models.pool(balancer, [("10.1.0.101", 8080), ("10.1.0.102", 8080)]))
    models.listener(balancer, "PROMETHEUS", 8088)
    controller.driver.update_amphora_listeners(balancer, single.row, FAST)
    single.settle(balancer)
    wait_until("metrics come", lambda: not traffic.get(URL)["failures"], 20)
    return balancer


def _fetch(single, port):
    """What is served inside the amphora, which has no client but its shell."""
    script = f"exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    head, _, body = single.container.traffic("bash", "-c", script).replace("\r\n", "\n").partition("\n\n")
    assert " 200 " in head.splitlines()[0], head
    return body


def _keys(text):
    """Everything but values and help: names, types, labels."""
    lines = [line for line in text.splitlines() if line and "amphora_agent_" not in line and not line.startswith("# HELP")]
    return {line if line.startswith("#") else line.rsplit(" ", 1)[0] for line in lines}


def _upstream(exporter):
    """What upstream's proxy makes of an exporter's text."""
    class Exporter(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802, the name is the library's
            self.send_response(200)
            self.end_headers()
            self.wfile.write(exporter.encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Exporter) as source, \
            http.server.ThreadingHTTPServer(("127.0.0.1", 0), prometheus_proxy.PrometheusProxy) as proxy:
        for server in (source, proxy):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{source.server_port}/metrics"
        with mock.patch.object(prometheus_proxy, "METRICS_URL", url):
            text = urllib.request.urlopen(f"http://127.0.0.1:{proxy.server_port}/").read().decode()
        for server in (source, proxy):
            server.shutdown()
    return text


def test_the_unit_runs_without_a_listener_too(single):
    wait_until("the unit is active", lambda: single.container.state("prometheus-proxy.service") == "active", 20)
    assert single.container.read("/run/prometheus-proxy.pid").strip() == single.container.property(
        "prometheus-proxy.service", "MainPID")


def test_a_scrape_through_the_vip_says_what_upstream_would_say(single, balancer):
    exporter = _fetch(single, 9101)
    ours = _fetch(single, 9102)
    assert _keys(ours) == _keys(_upstream(exporter))
    assert len(_keys(ours)) > 300
    assert "amphora_agent_up 1\n" in ours


def test_the_proxy_outlives_agent_and_haproxy(controller, single, balancer):
    single.container.execute("systemctl", "stop", "amphora-agent.service")
    assert "amphora_agent_up 0\n" in _fetch(single, 9102)
    single.container.execute("systemctl", "start", "amphora-agent.service")
    single.container.execute("systemctl", "restart", f"haproxy-{balancer.id}.service")
    wait_until("metrics come again", lambda: not traffic.get(URL)["failures"], 20)
    single.container.execute("systemctl", "kill", "--signal=KILL", "prometheus-proxy.service")
    wait_until("metrics come again", lambda: not traffic.get(URL)["failures"], 20)
