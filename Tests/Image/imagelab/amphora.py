"""An amphora: a machine together with the controller that made it."""

import os
import pathlib

from bootlab.controller import AnswerWatch
from bootlab.failure import LabError
from bootlab.guest import Guest
from bootlab.host import wait_until
from bootlab.machine import AGENT_PORT, Machine
from bootlab.timeline import Boot
from imagelab import networks

IMAGE = pathlib.Path(os.environ["AMPHORA_IMAGE"])
#: Software emulation on a busy machine is slow.
BOOT_LIMIT = 400
#: Boots with their times, for the summary at the end.
BOOTS = []
RUNNING = []


class Amphora:
    """One amphora of the image."""

    def __init__(self, controller, name, folder, shape, drive=(), receiver=None, address="127.0.0.1", ssh_port=None):
        self.controller, self.name, self.address = controller, name, address
        self.id, iso = controller.config_drive(name, *drive, **({"receiver": receiver} if receiver else {}))
        self.machine = Machine(IMAGE, iso, folder / name, shape)
        user = os.environ.get("AMPHORA_SSH_USER", "debian")
        self.guest = Guest(controller, user, address, **({"port": ssh_port} if ssh_port else {}))
        self.info = self.heartbeat = None

    def boot(self, what):
        """Powers it on and waits until agent and heartbeat are there."""
        self.power_on()
        return self.wait(what)

    def power_on(self):
        """Powers it on."""
        RUNNING.append(self)
        self.machine.power_on()

    def wait(self, what):
        """Waits until agent and heartbeat are there, since the latest power-on or reset."""
        watch = AnswerWatch(self.controller, self.id, self.address)
        boot = Boot(self.machine, self.controller, self.id, watch).wait(BOOT_LIMIT)
        self.info, self.heartbeat = watch.info, boot.heartbeat
        shape = self.machine.shape
        BOOTS.append((f"{what} ({shape.machine}, config drive on {shape.drive_bus}, {shape.memory} MiB)", boot.timeline))
        return boot.timeline

    def cut_power(self):
        """Cuts the power; the disk stays."""
        self.machine.cut_power()
        self.guest.forget()
        if self in RUNNING:
            RUNNING.remove(self)

    def remove(self):
        """Ends it and removes its disk."""
        self.cut_power()
        self.machine.remove()

    def call(self, *words, timeout=120):
        """One call of `amphoractl amphora`; the amphora's name is put after the command's words."""
        commands = 2 if words[0] in ("config", "cert", "plug", "vrrp", "lvs") else 1
        return self.controller.ctl("amphora", *words[:commands], f"{self.id}@{self.address}:{AGENT_PORT}",
                                   *words[commands:], timeout=timeout)

    def ask(self, path, method="GET", body=None):
        """One request; status and body."""
        return self.controller.request(self.id, path, method, body, address=self.address)

    def run(self, command, **options):
        """A shell command as root in the machine."""
        return self.guest.run(command, **options)

    def in_traffic_namespace(self, command):
        """A command in the namespace of VIP and members."""
        return self.run(f"ip netns exec amphora-haproxy {command}")

    def hot_plug(self, tap, mac):
        """Hot-plugs a NIC that the machine does not have yet."""
        if (tap, mac) not in self.machine.nics:
            self.machine.plug(tap, mac)

    def wait_for_heartbeat(self, what, condition, seconds=60):
        """The first heartbeat from now on that fulfils a condition."""
        seen = len(self.controller.heartbeats)
        return wait_until(what, lambda: next(
            (message for _, message in self.controller.heartbeats[seen:]
             if message["amphora"] == self.id and condition(message)), None), seconds)

    def report(self):
        """What helps after a failure: console, and the journal if it can be had."""
        parts = [("console", self.machine.tail(20))]
        try:
            journal = self.run("journalctl -b --no-pager -o short-monotonic -n 40", timeout=30)
        except LabError as error:
            journal = str(error)
        return parts + [("journal", journal)]


def facts(amphora):
    """What must differ between two machines of one image."""
    text = amphora.run("cat /etc/machine-id; for f in /etc/ssh/ssh_host_*_key.pub; do cut -d' ' -f2 $f; done; hostname")
    machine_id, *keys, name = text.split()
    return {"machine id": machine_id, "host keys": keys, "name": name}
