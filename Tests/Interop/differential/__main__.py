"""Runs the scripts against both agents and prints what differs. Run by `run`, in the sandbox.

    python -m differential [--explained] [--times] [SCRIPT…]

Exits 1 if a difference is not in allowed.toml, or if all scripts ran and an entry there covers nothing.
"""

import argparse
import sys

from lab import identities, network
from lab.controller import DIRECTORY, Controller

from differential import comparison, script
from differential.allowance import Allowances
from differential.trial import Trial

AMPHORA = "aaaaaaaa-0000-4000-8000-000000000011"


def main():
    """Runs the scripts asked for; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--explained", action="store_true", help="print the differences that are allowed, too")
    parser.add_argument("--times", action="store_true", help="print how long each request took")
    parser.add_argument("scripts", nargs="*", help="the scripts to run, by default all")
    options = parser.parse_args()
    names = options.scripts or script.names()
    network.build()
    controller = Controller()
    variables = _variables(controller)
    allowed, steps, explained, unexplained = Allowances(), 0, 0, []
    for name in names:
        recorded = script.load(name, variables)
        steps += len(recorded.steps)
        for difference in Trial(recorded, controller, variables, allowed, options.times).differences():
            entry = allowed.explain(difference)
            if entry is None:
                unexplained.append(difference)
                print(f"UNEXPLAINED {comparison.line(difference)}", flush=True)
            else:
                explained += 1
                if options.explained:
                    print(f"{comparison.line(difference)}\n    allowed: {entry.reason}", flush=True)
    unused = [] if options.scripts else allowed.unused()
    for entry in unused:
        print(f"UNUSED entry of allowed.toml: {entry}")
    print(f"{steps} steps; {explained} differences explained by {sum(entry.count > 0 for entry in allowed.entries)} "
          f"entries of allowed.toml, {len(unused)} unused entries")
    print(f"{len(unexplained)} unexplained differences")
    return 1 if unexplained or unused else 0


def _variables(controller):
    """What cannot stand in a script: keys and certificates, valid today."""
    values = {"AMPHORA": AMPHORA, "SERVER_PEM": controller.server_pem(AMPHORA),
              "NEW_SERVER_PEM": controller.server_pem(AMPHORA)}
    authority = identities.authority(DIRECTORY, "tenant")
    for name in ("ONE", "TWO"):
        values[f"PEM_{name}"] = "\n".join(identities.issue(DIRECTORY, authority, f"tenant-{name.lower()}"))
    for topology in ("SINGLE", "ACTIVE_STANDBY"):
        values[f"AGENT_CONF_{topology}"] = controller.agent_config(AMPHORA, topology)
    return values


sys.exit(main())
