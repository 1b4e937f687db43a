"""Members and clients as processes in their namespaces."""

import json
import subprocess
import sys

from lab.commands import run, wait_until


class Member:
    """A member that can be stopped and started."""

    def __init__(self, name, address, port=8080, tcp_port=None):
        self.name, self.address, self.port, self.tcp_port = name, address, port, tcp_port
        self._process = None
        self.start()

    def start(self):
        """Starts it; returns when it accepts connections."""
        if self._process is not None:
            return
        words = [self.address, self.port, self.name] + ([self.tcp_port] if self.tcp_port else [])
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", "members", sys.executable, "-m", "lab.member", *map(str, words)])
        local = f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"
        wait_until(f"member {self.name} listens",
                   lambda: local in run("ip", "netns", "exec", "members", "ss", "-Hltn"))

    def stop(self):
        """Kills it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Load:
    """A client that requests in the background until it is stopped."""

    def __init__(self, url, *options):
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", "client", sys.executable, "-m", "lab.client", url, *map(str, options)],
            stdout=subprocess.PIPE, text=True)

    def stop(self):
        """Ends it; returns what it saw."""
        self._process.terminate()
        return json.loads(self._process.communicate(timeout=60)[0])

    def wait(self):
        """Waits until it is done by itself; returns what it saw."""
        return json.loads(self._process.communicate(timeout=120)[0])


def get(url, *options, count=1):
    """Requests a URL some times, each on a new connection."""
    return Load(url, "--count", count, *options).wait()


def bodies(url, *options, count=1):
    """What the answers to some requests said; a failed one is an error."""
    result = get(url, *options, count=count)
    if result["failures"]:
        raise AssertionError(f"{url}: {result['failures']}")
    return set(result["bodies"])


def line(address, port, text):
    """Sends a line over TCP from the client; returns the answer."""
    code = ("import socket,sys;s=socket.create_connection((sys.argv[1],int(sys.argv[2])),5);"
            "s.sendall(sys.argv[3].encode()+b'\\n');print(s.makefile().readline(),end='')")
    return run("ip", "netns", "exec", "client", sys.executable, "-c", code, address, port, text).strip()


def outage(result):
    """The longest time without an answer, in seconds: also before the first and after the last one."""
    times = [result["began"], *sorted(result["successes"]), result["ended"]]
    return max(later - sooner for sooner, later in zip(times, times[1:]))


def outage_until_answered(load, url):
    """Waits until the URL answers, ends the load, and gives its longest time without an answer."""
    wait_until("it answers", lambda: get(url, "--timeout", 1)["bodies"], 30)
    return outage(load.stop())
