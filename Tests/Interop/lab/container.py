"""An amphora as a container: the system root on an overlay of its own, booted by systemd-nspawn with real systemd."""

import os
import pathlib
import signal
import subprocess
import time

from lab.commands import CommandFailed, run, wait_until
from lab import network

ROOT = pathlib.Path(os.environ["AMPHORA_SYSTEM_ROOT"])
WORK = pathlib.Path("/run/amphora-interop")
CGROUPS = pathlib.Path("/sys/fs/cgroup")
NAMESPACE = "amphora-haproxy"

#: The memory of an amphora's usual flavor. A container would show the host's, from which the controller derives the size
#: of haproxy's TLS cache: gigabytes, which take minutes to allocate.
MEMINFO = """MemTotal:        1014096 kB
MemFree:          700000 kB
MemAvailable:     800000 kB
Buffers:           10000 kB
Cached:           100000 kB
SwapCached:            0 kB
Shmem:              1000 kB
Slab:              30000 kB
"""


class Container:
    """A machine that can be booted, have NICs plugged in, be rebooted, and be killed."""

    def __init__(self, name, management_address, system=ROOT):
        self.name = name
        self.management_address = management_address
        self.directory = WORK / name
        self.root = self.directory / "root"
        self.nics = []
        self._nspawn = None
        self._console = None
        for folder in ("upper", "work", "root"):
            (self.directory / folder).mkdir(parents=True)
        run("mount", "-t", "overlay", name, "-o",
            f"lowerdir={system},upperdir={self.directory}/upper,workdir={self.directory}/work", self.root)

    # Power

    @property
    def is_running(self):
        """Whether it is switched on."""
        return self._nspawn is not None

    def boot(self, delay=0):
        """Starts it and plugs every NIC it had, after a delay; returns when its init runs and it can be reached."""
        cgroup = CGROUPS / self.name
        cgroup.mkdir(exist_ok=True)
        self._console = open(self.directory / "console.log", "ab")
        self._nspawn = subprocess.Popen(
            ["sh", "-c", f'echo $$ > {cgroup}/cgroup.procs && exec "$@"', "sh",
             "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network",
             f"--directory={self.root}", f"--machine={self.name}", "--resolv-conf=off", "--timezone=off",
             "--console=pipe", "systemd.unified_cgroup_hierarchy=1"],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=subprocess.STDOUT)
        self._plug_all(delay)

    def reboot(self, delay=0):
        """Reboots it from inside; the NICs go away with the old machine and are plugged into the new one."""
        self.execute("systemctl", "reboot", "--no-block")
        # With --keep-unit nspawn leaves the restart to who started it, and says so with this status.
        status = self._nspawn.wait(90)
        if status != 133:
            raise SystemError(f"{self.name} went down with status {status}: {self.console()}")
        self._console.close()
        self.boot(delay)

    def kill(self):
        """Cuts the power."""
        if self._nspawn is None:
            return
        if self._nspawn.poll() is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except (ProcessLookupError, IndexError):
                pass
        self._nspawn.kill()
        self._nspawn.wait()
        self._nspawn = None
        self._console.close()

    def remove(self):
        """Ends it and removes its disk."""
        self.kill()
        run("umount", "-l", self.root, check=False)
        run("rm", "-rf", self.directory)

    @property
    def pid(self):
        """The process id of its init."""
        children = pathlib.Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        return int(children[0])

    def _is_up(self):
        if self._nspawn.poll() is not None:
            raise SystemError(f"systemd-nspawn ended: {self.console()}")
        pid = self.pid
        # The child is nspawn itself until it has set up the namespaces.
        return pid if os.readlink(f"/proc/{pid}/exe").endswith("/systemd") else None

    def _plug_all(self, delay):
        pid = wait_until(f"{self.name} runs its init", self._is_up, 30)
        run("nsenter", f"--mount=/proc/{pid}/ns/mnt", "sh", "-c",
            "cat > /run/meminfo && mount --bind /run/meminfo /proc/meminfo", stdin=MEMINFO)
        network.plug("mgmt", pid, f"fa:16:3e:00:00:{int(self.management_address.split('.')[-1]):02x}", "eth0",
                     f"{self.name}-m")
        net = ["nsenter", f"--net=/proc/{pid}/ns/net", "ip"]
        run(*net, "addr", "add", f"{self.management_address}/24", "dev", "eth0")
        run(*net, "link", "set", "eth0", "up")
        time.sleep(delay)
        for nic in self.nics:
            self._wire(pid, *nic)

    def plug(self, bridge, mac, name):
        """Hot-plugs a NIC; it comes back with every boot."""
        self.nics.append((bridge, mac, name))
        self._wire(self.pid, bridge, mac, name)

    def _wire(self, pid, bridge, mac, name):
        network.plug(bridge, pid, mac, name, f"{self.name}-{name}")

    # Inside

    def execute(self, *words, check=True, timeout=60, stdin=None):
        """Runs a command in the machine."""
        return run("nsenter", "--target", self.pid, "--all", *words, check=check, timeout=timeout, stdin=stdin)

    def traffic(self, *words, check=True):
        """Runs a command in the machine's traffic namespace."""
        return self.execute("ip", "netns", "exec", NAMESPACE, *words, check=check)

    def write(self, path, text, mode=0o600):
        """Writes a file of the machine, whether it runs or not."""
        file = self._path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def read(self, path):
        """Reads a file of the machine."""
        return self._path(path).read_text()

    def exists(self, path):
        """Whether the machine has a file; links are not followed."""
        return os.path.lexists(self._path(path))

    def _path(self, path):
        # What the machine has mounted, such as /run, is seen through its init only.
        root = self.root if self._nspawn is None else pathlib.Path(f"/proc/{self.pid}/root")
        return root / path.lstrip("/")

    def state(self, unit):
        """The unit's state: active, inactive, failed …"""
        return self.execute("systemctl", "is-active", unit, check=False).strip()

    def property(self, unit, name):
        """A property of a unit, as `systemctl show` has it."""
        return self.execute("systemctl", "show", "--value", "--property", name, unit).strip()

    def addresses(self, interface):
        """The addresses with prefix lengths of an interface in the traffic namespace, link-local ones left out."""
        lines = self.traffic("ip", "-o", "addr", "show", "dev", interface, "scope", "global").splitlines()
        return [line.split()[3] for line in lines]

    def console(self):
        """The last that was written to the console."""
        return (self.directory / "console.log").read_text(errors="replace")[-2000:]

    def journal(self, lines=60):
        """The last lines of the machine's journal, or of its console when it does not answer."""
        try:
            return self.execute("journalctl", "--no-pager", "--output=short-precise", f"--lines={lines}", timeout=10)
        except (CommandFailed, OSError, IndexError, AttributeError, subprocess.TimeoutExpired) as error:
            return f"no journal: {error}"
