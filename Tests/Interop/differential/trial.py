"""One script against both agents, each in a fresh machine."""

import concurrent.futures
import os
import sys
import time

from lab.controller import DIRECTORY

from differential import observation, script
from differential.comparison import Difference, answers, observations
from differential.machine import Machine, tls

#: How often, and at which distance in seconds, the machines are looked at until they have come to rest.
LOOKS, PAUSE = 40, 0.4


class Trial:
    """Runs a script and tells what differs."""

    def __init__(self, recorded, controller, variables, allowed, shows_times):
        self._script = recorded
        self._allowed = allowed
        self._shows_times = shows_times
        self._files = {
            "/etc/octavia/amphora-agent.conf": variables[f"AGENT_CONF_{recorded.topology}"],
            "/etc/octavia/certs/server.pem": variables["SERVER_PEM"],
            "/etc/octavia/certs/client_ca.pem": controller.client_ca[0].read_text(),
            "/etc/rsyslog.d/10-rsyslog.conf": ""}
        self._tls = tls(DIRECTORY / "client.pem", controller.server_ca[0])
        self._known = {}

    def differences(self):
        """Runs it; yields the differences as they appear. One that stays is told once."""
        self._pair = (Machine("upstream", os.environ["AMPHORA_UPSTREAM_ROOT"], "198.18.0.31"),
                      Machine("ours", os.environ["AMPHORA_SYSTEM_ROOT"], "198.18.0.32"))
        start = time.monotonic()
        try:
            with concurrent.futures.ThreadPoolExecutor(len(self._pair)) as self._pool:
                self._both(lambda machine: machine.boot(self._files, self._tls))
                yield from self._looked_at(script.Step(f"{self._script.name}/boot", "boot", None))
                for step in self._script.steps:
                    yield from self._performed(step)
                    yield from self._looked_at(step)
        except BaseException:
            for machine in self._pair:
                print(f"--- {machine.name}\n{machine.container.journal(40)}", file=sys.stderr)
            raise
        finally:
            for machine in self._pair:
                machine.remove()
        upstream, ours = (machine.seconds for machine in self._pair)
        print(f"{self._script.name}: {len(self._script.steps)} steps in {time.monotonic() - start:.0f} s; requests took "
              f"{upstream:.1f} s upstream, {ours:.1f} s ours", flush=True)

    def _both(self, action):
        return list(self._pool.map(action, self._pair))

    def _performed(self, step):
        before = [machine.seconds for machine in self._pair]
        results = self._both(lambda machine: machine.perform(step))
        if self._shows_times:
            upstream, ours = (machine.seconds - then for machine, then in zip(self._pair, before))
            print(f"{step.name}: upstream {upstream:.2f} s, ours {ours:.2f} s", flush=True)
        return answers(step, *results)

    def _looked_at(self, step):
        """Looks until nothing new differs, or the same allowed things twice in a row; others have time to go away."""
        last = None
        for _ in range(LOOKS):
            now = observations(*self._both(lambda machine: observation.observe(machine, self._script.units)))
            new = [Difference(step.name, aspect, *values) for aspect, values in now.items()
                   if self._known.get(aspect) != values]
            if not new or (now == last and all(map(self._allowed.find, new))):
                break
            last = now
            time.sleep(PAUSE)
        self._known = now
        return new
