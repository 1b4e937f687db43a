"""What happened when, since power-on: seen from outside where it can be, read from the machine's own clock where not."""

import time

from bootlab.failure import LabError

#: Units that read the config drive, and the one that makes the RAM disk; an image has some of them.
UNITS = {
    "config drive read": ("amphora-init.service", "amphora-agent-init.service", "cloud-init-local.service"),
    "RAM disk for certificates": ("certs-ramfs.service",),
    "ssh": ("ssh.service", "ssh.socket", "sshd.service"),
}
#: Lines that the serial console has when the kernel is not told to be quiet.
CONSOLE = {"kernel": r"Linux version \d", "init (systemd)": r"systemd\[1\]: systemd .* running|Welcome to "}


class Timeline:
    """Events with their times in seconds since power-on, and where each time is from."""

    def __init__(self, machine):
        self._machine = machine
        self.events = {}

    def add(self, name, seconds, source):
        """Remembers an event; what is not known is left out, and the first source counts."""
        if seconds is not None and name not in self.events:
            self.events[name] = (round(seconds, 2), source)

    def at(self, name, moment, source="outside"):
        """Remembers an event by the time of our clock."""
        self.add(name, moment - self._machine.powered_on, source)

    def read_outside(self):
        """What firmware and console showed."""
        self.add("boot loader", self._machine.firmware_done, "firmware")
        for name, pattern in CONSOLE.items():
            self.add(name, self._machine.said(pattern), "console")
        self.add("login prompt", self._machine.said(r"login: ?$"), "console")

    def read_inside(self, guest):
        """What the machine's init remembers, shifted by the age of its kernel."""
        kernel = guest.started_at() - self._machine.powered_on
        self.add("kernel", kernel, "its clock")
        text = guest.run("systemctl show --value -p UserspaceTimestampMonotonic", root=False).strip()
        if text.isdigit():
            self.add("init (systemd)", kernel + int(text) / 1e6, "its clock")
        for name, units in UNITS.items():
            times = guest.unit_times(units)
            self.add(name, min((kernel + each for each in times.values()), default=None), "its clock")
        started = guest.run(
            "systemctl show --value -p ExecMainStartTimestampMonotonic amphora-agent.service", root=False).strip()
        if started.isdigit() and started != "0":
            self.add("agent started", kernel + int(started) / 1e6, "its clock")

    def rows(self):
        """Events in their order: name, seconds, source."""
        return [(name, *each) for name, each in sorted(self.events.items(), key=lambda item: item[1])]


class Boot:
    """A boot that is being watched from outside until agent and heartbeat are there."""

    PANIC = r"Kernel panic|end Kernel panic|You are in emergency mode|Entering emergency mode|ALERT!"

    def __init__(self, machine, controller, amphora, watch):
        self.machine, self.controller, self.amphora, self.watch = machine, controller, amphora, watch
        self.timeline = Timeline(machine)
        self.heartbeat = None

    def wait(self, seconds, report=lambda name, seconds: None):
        """Returns when the agent has answered and a heartbeat has been verified."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._look(report)
                if self.heartbeat and self.watch.answered:
                    return self
                if not self.machine.is_running:
                    raise LabError(f"qemu has ended: {self.machine.errors()}\n{self.machine.tail()}")
                if self.machine.nothing_bootable:
                    raise LabError("the firmware finds no boot loader on the image's disk")
                if self.machine.said(self.PANIC):
                    time.sleep(1)
                    raise LabError(f"the machine does not boot; its console ends with\n{self.machine.tail()}")
                if time.monotonic() > deadline:
                    raise LabError(self._late(seconds))
                time.sleep(0.05)
        finally:
            self.watch.stop()

    def _look(self, report):
        before = set(self.timeline.events)
        self.timeline.read_outside()
        if self.watch.answered:
            self.timeline.at("agent answers on :9443", self.watch.answered)
        if self.heartbeat is None:
            pair = self.controller.first_heartbeat(self.amphora, self.machine.powered_on)
            if pair:
                self.heartbeat = pair[1]
                self.timeline.at("first heartbeat verified", pair[0])
        for name, (seconds, _) in self.timeline.events.items():
            if name not in before:
                report(name, seconds)

    def _late(self, seconds):
        lines = [f"not within {seconds} s:"]
        if not self.watch.answered:
            lines.append(f"  no answer of the agent; the last attempt: {self.watch.last_error!r}")
        if self.heartbeat is None:
            refused = self.controller.refused().splitlines()[1:]
            lines.append("  no heartbeat" + (f"; refused: {refused[-1]}" if refused else ""))
        return "\n".join(lines + ["the console ends with", self.machine.tail()])
