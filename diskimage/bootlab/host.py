"""This machine: its programs, a network of our own, and processes that do not outlive us."""

import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import time

from bootlab.failure import LabError, UsageError

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
#: Programs and the Debian packages that bring them.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "genisoimage": "genisoimage", "ip": "iproute2",
    "ssh": "openssh-client", "ssh-keygen": "openssh-client",
}
# linux/sched.h, linux/prctl.h
CLONE_NEWUSER, CLONE_NEWNET, PR_SET_PDEATHSIG = 0x10000000, 0x40000000, 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def check_programs(names=tuple(PROGRAMS)):
    """Complains of all missing programs at once."""
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        packages = " ".join(sorted({PROGRAMS[name] for name in missing}))
        raise UsageError(f"missing on this machine: {', '.join(missing)}", f"apt-get install {packages}")


def find_amphoractl():
    """amphoractl: AMPHORACTL, else the newest build of this checkout, else the one on PATH."""
    named = os.environ.get("AMPHORACTL")
    if named:
        if not os.access(named, os.X_OK):
            raise UsageError(f"AMPHORACTL names {named}, which is no program")
        return named
    built = [REPOSITORY / ".build" / kind / "amphoractl" for kind in ("release", "debug")]
    built = sorted((path for path in built if os.access(path, os.X_OK)), key=lambda path: path.stat().st_mtime)
    if built:
        return str(built[-1])
    found = shutil.which("amphoractl")
    if not found:
        raise UsageError("amphoractl is not built, and it makes the config drive",
                         "Run: swift build --product amphoractl, or name one with AMPHORACTL.")
    return found


def leave_the_network():
    """Moves this process into a network namespace of its own that has nothing but loopback."""
    def unshare(flags):
        if _LIBC.unshare(flags) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    user, group = os.getuid(), os.getgid()
    try:
        if user == 0:
            unshare(CLONE_NEWNET)
        else:
            unshare(CLONE_NEWUSER | CLONE_NEWNET)
            pathlib.Path("/proc/self/setgroups").write_text("deny")
            pathlib.Path("/proc/self/uid_map").write_text(f"0 {user} 1")
            pathlib.Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    except OSError as error:
        raise UsageError(f"this machine does not let us have a network namespace: {error.strerror}",
                         "Try as root, or allow unprivileged user namespaces.") from error
    run("ip", "link", "set", "lo", "up")


def run(*words, timeout=60, stdin=None, env=None, check=True):
    """Runs a command and returns its standard output; a failure names what it said."""
    words = [str(word) for word in words]
    try:
        result = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=timeout, env=env)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{words[0]} did not end within {timeout} s: {' '.join(words)}") from error
    if check and result.returncode != 0:
        raise LabError(f"{' '.join(words)}: status {result.returncode}: {(result.stderr or result.stdout).strip()}")
    return result.stdout


def start(words, **options):
    """Starts a process that the kernel kills when we die, however we die."""
    parent = os.getpid()

    def bind_to_parent():
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # Ctrl-C reaches a whole process group; who ends what, and in which order, is our business.
        os.setpgid(0, 0)
        if os.getppid() != parent:
            os._exit(1)
    return subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, preexec_fn=bind_to_parent,
                            **options)


def stop(process, seconds=5):
    """Ends a process, gently first."""
    if process is None:
        return
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def wait_until(what, condition, seconds=60, every=0.1):
    """Polls until the condition gives something true, which is returned; an error of its own counts as false."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (LabError, OSError, ValueError, AssertionError, subprocess.SubprocessError) as error:
            last = error
        if time.monotonic() > deadline:
            raise LabError(f"not within {seconds} s: {what}; last: {last!r}")
        time.sleep(every)
