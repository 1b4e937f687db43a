"""The first boot as a controller sees it."""

import ssl

import pytest

from imagelab.amphora import BOOTS


def test_the_agent_answers_over_mutual_tls(amphora):
    status, info = amphora.ask("/1.0/info")
    assert status == 200 and info["api_version"] == "1.0" and info["haproxy_version"]
    status, discovery = amphora.ask("/")
    assert status == 200 and discovery == {"api_version": "1.0"}


@pytest.mark.parametrize("shown", ["nothing", "a certificate of the CA for amphorae"])
def test_without_a_controllers_certificate_there_is_no_answer(amphora, folder, shown):
    context = amphora.controller.context(with_certificate=False)
    if shown != "nothing":
        amphora.controller.ctl("ca", "issue", "amphora", amphora.id, "--output", folder / "peer.pem")
        context.load_cert_chain(folder / "peer.pem")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        amphora.controller.request(amphora.id, "/1.0/info", context=context)


def test_the_heartbeat_is_signed_with_our_key_and_comes_again(amphora):
    assert amphora.heartbeat["amphora"] == amphora.id and amphora.heartbeat["listeners"] == {}
    assert amphora.heartbeat["version"] == 3
    first = amphora.wait_for_heartbeat("one more", lambda message: True)
    second = amphora.wait_for_heartbeat("and another", lambda message: message["sequence"] > first["sequence"])
    assert second["sequence"] == first["sequence"] + 1


def test_the_machine_has_the_name_that_the_controller_chose(amphora):
    # nova appends its dhcp_domain; agents report the short name.
    assert amphora.info["hostname"].split(".")[0] == f"amphora-{amphora.id}"
    assert amphora.run("hostname").strip().split(".")[0] == f"amphora-{amphora.id}"


def test_the_timeline_is_complete(amphora):
    timeline = BOOTS[0][1]
    timeline.read_inside(amphora.guest)
    names = [name for name, *_ in timeline.rows()]
    print(timeline.rows())
    for name in ("boot loader", "kernel", "init (systemd)", "agent started", "agent answers on :9443",
                 "first heartbeat verified"):
        assert name in names
    assert names.index("kernel") < names.index("init (systemd)") < names.index("agent started")
