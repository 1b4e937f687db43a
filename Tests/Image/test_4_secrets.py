"""A tenant's key is on the encrypted RAM disk and nowhere else: neither on the disk nor, in clear, in the RAM disk's memory.

Every search is shown to find something of the same kind that must be there.
"""

import mmap

import pytest

from bootlab.host import run, wait_until
from imagelab import networks
from imagelab.balancer import http_listener


@pytest.fixture(name="uploaded", scope="module")
def _uploaded(balancer):
    balancer.upload_certificate()
    balancer.apply(http_listener(), balancer.tls_listener())
    wait_until("port 443 answers", lambda: networks.get(443, tls=True), 30)
    return balancer


def _own_key_traces(amphora):
    """The same kind of bytes of the agent's own key, which is on the disk by design."""
    text = amphora.run("cat /etc/octavia/certs/server.pem")
    lines = text.split("PRIVATE KEY-----")[1].splitlines()
    return [line.encode() for line in lines if len(line) == 64][3:6]


def test_no_trace_of_the_key_is_on_the_disk(uploaded, amphora, folder):
    control = _own_key_traces(amphora) + [uploaded.project.encode()]
    amphora.run("sync; echo 3 > /proc/sys/vm/drop_caches; sync")
    raw = folder / "disk.raw"
    amphora.machine.qmp.execute("stop")
    try:
        run("qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", amphora.machine.overlay, raw, timeout=300)
    finally:
        amphora.machine.qmp.execute("cont")
    try:
        with open(raw, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as disk:
            assert [trace for trace in control if disk.find(trace) < 0] == [], "the search finds what is there"
            assert [trace for trace in uploaded.certificate.traces() if disk.find(trace) >= 0] == []
    finally:
        raw.unlink()


def test_the_ram_disk_holds_it_encrypted(uploaded, amphora):
    trace = uploaded.certificate.traces()[0].decode()
    amphora.run("sync")
    mapped = amphora.run("findmnt -n -o SOURCE /var/lib/octavia/certs").strip()
    # More than once when it was uploaded before: the blocks of the file that was replaced are free, not empty.
    assert int(amphora.run(f"grep -a -c -F '{trace}' {mapped}")) >= 1, "in clear where it is decrypted"
    assert amphora.run(f"grep -a -c -F '{trace}' /dev/ram0", check=False).strip() == "0"
    assert len(amphora.run("dd if=/dev/ram0 bs=1k count=64 status=none | od -An -tx1 -w1 | sort -u").split()) > 200, "noise"


def test_files_of_the_tenant_are_readable_by_root_only(uploaded, amphora):
    text = amphora.run(f"find /var/lib/octavia/certs/{uploaded.id} -type f -exec stat -c '%a:%U' {{}} +")
    assert set(text.split()) == {"600:root"}
