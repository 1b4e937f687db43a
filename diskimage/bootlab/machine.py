"""A virtual machine: power, disk, config drive, NICs, serial console. It lives in the network namespace of its maker."""

import os
import pathlib
import re
import threading
import time

from bootlab.failure import LabError, UsageError
from bootlab.host import run, start, wait_until
from bootlab.qmp import QMP

#: How nova attaches a config drive, with the machine types that can: `[-device …]` for the drive `cdr`.
DRIVE_BUSES = {
    "sata": ("q35", ["ide-cd,drive=cdr,bus=ide.0"]),
    "ide": ("pc", ["ide-cd,drive=cdr,bus=ide.1"]),
    "virtio": (None, ["virtio-blk-pci,drive=cdr"]),
    "scsi": (None, ["virtio-scsi-pci,id=scsi0", "scsi-cd,drive=cdr,bus=scsi0.0"]),
}
MANAGEMENT_MAC = "fa:16:3e:00:00:01"
AGENT_PORT, SSH_PORT = 9443, 10022


class Shape:
    """What the machine is made of."""

    def __init__(self, memory=1024, cpus=2, machine=None, drive_bus=None, accel="tcg", management="user",
                 forwards_at="127.0.0.1"):
        if machine is None:
            machine = (DRIVE_BUSES[drive_bus][0] if drive_bus else None) or "q35"
        if drive_bus is None:
            drive_bus = "ide" if machine == "pc" else "sata"
        if DRIVE_BUSES[drive_bus][0] not in (None, machine):
            raise UsageError(f"the machine type {machine} has no {drive_bus} bus",
                             f"{drive_bus} goes with --machine {DRIVE_BUSES[drive_bus][0]}.")
        self.memory, self.cpus, self.machine, self.drive_bus, self.accel = memory, cpus, machine, drive_bus, accel
        #: "user" for qemu's own DHCP and forwarded ports, else the name of a tap.
        self.management = management
        #: With qemu's own: our address whose ports AGENT_PORT and SSH_PORT lead to the machine.
        self.forwards_at = forwards_at


class Machine:
    """One machine; its files are in `folder`. The image is only read: writes go to an overlay."""

    def __init__(self, image, iso, folder, shape=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.iso, self.shape = iso, shape or Shape()
        self.overlay = self.folder / "overlay.qcow2"
        self.nics = []
        #: Lines of the serial console with the seconds since power-on.
        self.console = []
        #: Seconds until the firmware started the boot loader.
        self.firmware_done = None
        #: Whether the firmware has found no boot loader.
        self.nothing_bootable = False
        self.powered_on = None
        self.qmp = None
        self.process = None
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", pathlib.Path(image).resolve(), "-F", "qcow2", self.overlay)

    # Power

    @property
    def age(self):
        """Seconds since power-on."""
        return time.monotonic() - self.powered_on

    @property
    def is_running(self):
        """Whether qemu runs."""
        return self.process is not None and self.process.poll() is None

    def power_on(self):
        """Starts it, with every NIC that it has."""
        (self.folder / "qmp").unlink(missing_ok=True)
        reader, writer = os.pipe()
        errors = open(self.folder / "qemu.err", "wb")
        self._begin()
        self.process = start(self._command(writer), stdout=-1, stderr=errors, pass_fds=(writer,))
        errors.close()
        os.close(writer)
        threading.Thread(target=self._read_console, args=(self.process.stdout,), daemon=True).start()
        threading.Thread(target=self._read_firmware, args=(reader,), daemon=True).start()

        def connect():
            if not self.is_running:
                raise SystemError
            return QMP(self.folder / "qmp")
        try:
            self.qmp = wait_until("qemu answers on its control socket", connect, 30, every=0.05)
        except SystemError:
            raise LabError(f"qemu ended at once: {self.errors()}") from None

    def cut_power(self):
        """Ends it between two instructions: what was not flushed is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        if self.qmp is not None:
            self.qmp.close()
            self.qmp = None

    def reset(self):
        """Presses the reset button."""
        self.qmp.execute("system_reset")
        self._begin()

    def _begin(self):
        self.console, self.firmware_done, self.powered_on = [], None, time.monotonic()
        self.nothing_bootable = False

    def await_reset(self, seconds=180):
        """Waits until the machine resets itself, as at the end of its reboot: its life begins anew. The seconds it took."""
        start, seen = time.monotonic(), len(self.qmp.events)

        def has_reset():
            # Events come with the answers.
            self.qmp.execute("query-status")
            return any(event["event"] == "RESET" for event in self.qmp.events[seen:])
        wait_until("the machine has gone down", has_reset, seconds, every=0.1)
        self._begin()
        return self.powered_on - start

    def remove(self):
        """Ends it and removes its disk."""
        self.cut_power()
        for name in ("overlay.qcow2", "qmp"):
            (self.folder / name).unlink(missing_ok=True)

    # Parts

    def _command(self, firmware):
        shape = self.shape
        accel = "tcg,thread=multi" if shape.accel == "tcg" else shape.accel
        words = [
            "qemu-system-x86_64", "-accel", accel, "-machine", shape.machine,
            "-cpu", "max" if shape.accel == "tcg" else "host", "-smp", shape.cpus, "-m", shape.memory,
            "-nodefaults", "-display", "none", "-serial", "stdio",
            "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
            "-chardev", f"file,id=firmware,path=/dev/fd/{firmware}", "-device",
            "isa-debugcon,iobase=0x402,chardev=firmware",
            # Honest about power cuts: a flush of the guest reaches the file, nothing else must.
            "-drive", f"file={self.overlay},if=none,id=disk,format=qcow2,cache=writeback",
            # Said as clouds say it: a config drive on the same bus would be tried first.
            "-device", "virtio-blk-pci,drive=disk,bootindex=0",
            "-drive", f"file={self.iso},if=none,id=cdr,format=raw,readonly=on"
            + (",media=cdrom" if shape.drive_bus != "virtio" else ""),
        ]
        for device in DRIVE_BUSES[shape.drive_bus][1]:
            words += ["-device", device]
        if shape.machine == "q35":
            for port in (1, 2):
                words += ["-device", f"pcie-root-port,id=port{port},chassis={port},slot={port}"]
        if shape.management == "user":
            words += ["-netdev", f"user,id=mgmt,hostfwd=tcp:{shape.forwards_at}:{SSH_PORT}-:22,"
                      f"hostfwd=tcp:{shape.forwards_at}:{AGENT_PORT}-:9443"]
        else:
            words += ["-netdev", f"tap,id=mgmt,ifname={shape.management},script=no,downscript=no"]
        words += ["-device", f"virtio-net-pci,netdev=mgmt,mac={MANAGEMENT_MAC},romfile=",
                  "-object", "rng-random,filename=/dev/urandom,id=rng", "-device", "virtio-rng-pci,rng=rng"]
        for index, (tap, mac) in enumerate(self.nics, 1):
            words += ["-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no", "-device",
                      f"virtio-net-pci,id={tap}-nic,netdev={tap},mac={mac},romfile=,bus={self._slot(index)}"]
        return words

    def _slot(self, index):
        return f"port{index}" if self.shape.machine == "q35" else "pci.0"

    def plug(self, tap, mac):
        """Hot-plugs a NIC that is wired to a tap, as nova attaches a port; it stays over resets and power cuts."""
        self.qmp.execute("netdev_add", type="tap", id=tap, ifname=tap, script="no", downscript="no")
        self.qmp.execute("device_add", driver="virtio-net-pci", id=f"{tap}-nic", netdev=tap, mac=mac,
                         bus=self._slot(len(self.nics) + 1))
        self.nics.append((tap, mac))

    # What it says

    def errors(self):
        """What qemu complained of."""
        return (self.folder / "qemu.err").read_text(errors="replace").strip() or "it said nothing"

    def _read_console(self, stream):
        descriptor, line = stream.fileno(), b""
        with open(self.folder / "console.log", "ab") as log:
            while piece := os.read(descriptor, 65536):
                age = self.age
                log.write(piece)
                log.flush()
                *ended, line = (line + piece).split(b"\n")
                for text in ended:
                    self.console.append((age, _plain(text)))
                # A prompt has no line end.
                if line.endswith(b"login: "):
                    self.console.append((age, _plain(line)))
                    line = b""

    def _read_firmware(self, descriptor):
        said = b""
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while piece := pipe.read(4096):
                said = (said + piece)[-8192:]
                # SeaBIOS says this as it jumps to the boot loader.
                self.nothing_bootable = b"No bootable device" in said or b"Boot failed" in said
                if self.firmware_done is None and b"Booting from 0000:7c00" in said:
                    self.firmware_done = self.age

    def tail(self, lines=25):
        """The end of the serial console."""
        return "\n".join(f"{age:8.2f} {text}" for age, text in self.console[-lines:]) or "(the console is silent)"

    def said(self, pattern):
        """When the console first had a line with the pattern; None when it has not."""
        found = re.compile(pattern)
        return next((age for age, text in list(self.console) if found.search(text)), None)


def _plain(line):
    text = line.decode(errors="replace").replace("\r", "")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1bc", "", text).rstrip()
