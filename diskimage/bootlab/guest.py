"""A look inside: ssh with the key of the config drive, one connection for all commands. Nothing in the image is for this."""

import subprocess
import time

from bootlab.failure import LabError
from bootlab.host import run, wait_until
from bootlab.machine import SSH_PORT


class Guest:
    """The machine's inside."""

    def __init__(self, controller, user="debian", address="127.0.0.1", port=SSH_PORT):
        #: Where its connection and what was said over it are; two machines at a time have two addresses.
        self._folder = controller.folder / f"ssh-{address}"
        self._folder.mkdir(exist_ok=True)
        #: The command to log in by hand.
        self.login = [
            "ssh", "-i", str(controller.folder / "ssh-key"), "-p", str(port), "-o", "BatchMode=yes", "-o",
            "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o",
            "ConnectTimeout=20", "-o", "ServerAliveInterval=5", f"{user}@{address}"]
        self._socket = self._folder / "mux"
        self._mux = ["-o", "ControlMaster=auto", "-o", f"ControlPath={self._socket}", "-o", "ControlPersist=600"]

    def connect(self):
        """Waits for sshd, which may begin after the agent: its key is made at first boot."""
        if not self._socket.exists():
            wait_until("ssh into the machine", lambda: self._once("echo in", root=False), 180)

    def run(self, command, check=True, timeout=60, root=True):
        """Runs a shell command, as root unless told; its standard output. A failure names what it said."""
        self.connect()
        return self._once(command, check, timeout, root)

    def _once(self, command, check=True, timeout=60, root=True):
        words = self.login[:1] + self._mux + self.login[1:] + [f"sudo -n sh -c {_quote(command)}" if root else command]
        try:
            # Not pipes: the connection that stays behind would keep them open.
            with open(self._folder / "out", "w+") as out, open(self._folder / "err", "w+") as err:
                status = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=timeout,
                                        start_new_session=True).returncode
                out.seek(0), err.seek(0)
                output, errors = out.read(), err.read()
        except subprocess.TimeoutExpired as error:
            raise LabError(f"in the machine, not ended within {timeout} s: {command}") from error
        if check and status != 0:
            raise LabError(f"in the machine: {command}: status {status}: {(errors or output).strip()}")
        return output

    def forget(self):
        """Drops the connection: after a reboot there is another machine behind it."""
        if self._socket.exists():
            run(*self.login[:1], "-O", "exit", "-o", f"ControlPath={self._socket}", self.login[-1], check=False)
            self._socket.unlink(missing_ok=True)

    def started_at(self):
        """When its kernel began to run, in our time: half of the round trip is the error."""
        self.connect()
        before = time.monotonic()
        uptime = float(self.run("cat /proc/uptime", root=False).split()[0])
        return (before + time.monotonic()) / 2 - uptime

    def unit_times(self, units):
        """When units became active, in seconds since the kernel started."""
        times = {}
        for unit in units:
            text = self.run(f"systemctl show --value -p ActiveEnterTimestampMonotonic {unit}", root=False).strip()
            if text.isdigit() and text != "0":
                times[unit] = int(text) / 1e6
        return times


def _quote(text):
    return "'" + text.replace("'", "'\\''") + "'"
