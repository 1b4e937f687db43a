"""The recorded requests: a YAML file per kind of machine, with its steps in order.

    topology: SINGLE                    # of the machines, as in the agent's configuration
    variables: {LB: 11111111-…}         # ${LB} stands for it in every text below
    units: [haproxy-${LB}.service]      # whose states are compared after every step
    steps:
    - name: unique, used in allowed.toml
      request: PUT /1.0/loadbalancer/${LB}/start
      body: text | json: value | hex: bytes     # none of them: no body, no Content-Type
      type: application/json            # the Content-Type, when it is another than the kind of body suggests
      shape: true                       # compare keys and types of the answer, not texts and numbers
      until: {unit: haproxy-….service}  # what is waited for before the machines are looked at

Instead of a request a step may be `raw` (bytes for the socket), `plug` (a NIC: mac, name), `run` (a command in the
machine, its output is not compared), `write` (path, text), `reboot`, or `await`. What can be waited for: `address` in the traffic namespace,
`no_address`, `unit` that is active, `answer` of the agent. Whether it came is compared, too.
"""

import dataclasses
import json
import pathlib
import string

import yaml

FOLDER = pathlib.Path(__file__).parent / "scripts"
KINDS = ("request", "raw", "plug", "run", "write", "reboot", "await")


@dataclasses.dataclass
class Step:
    """One thing to do with both machines."""

    name: str
    kind: str
    what: object
    body: bytes | None = None
    type: str | None = None
    shape: bool = False
    until: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Script:
    """The steps for one kind of machine."""

    name: str
    topology: str
    units: list
    steps: list


def names():
    """The scripts there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name, variables):
    """Reads a script; some variables, such as certificates, are made anew for every run."""
    tree = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    values = {**variables, **tree.get("variables", {})}
    steps = [_step(name, _filled(entry, values)) for entry in tree["steps"]]
    doubles = {step.name for step in steps if sum(step.name == other.name for other in steps) > 1}
    if doubles:
        raise ValueError(f"{name}: several steps are called {sorted(doubles)}")
    return Script(name, tree["topology"], _filled(tree.get("units", []), values), steps)


def _filled(value, variables):
    if isinstance(value, str):
        return string.Template(value).safe_substitute(variables)
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if isinstance(value, dict):
        return {_filled(key, variables): _filled(each, variables) for key, each in value.items()}
    return value


def _step(script, entry):
    kind = next((kind for kind in KINDS if kind in entry), None)
    if kind is None:
        raise ValueError(f"{script}: {entry} says nothing to do; one of {KINDS} is wanted")
    body, content_type = None, None
    if "json" in entry:
        body, content_type = json.dumps(entry["json"]).encode(), "application/json"
    elif "hex" in entry:
        body = bytes.fromhex(entry["hex"])
    elif "body" in entry:
        body = entry["body"].encode()
    return Step(f"{script}/{entry['name']}", kind, entry[kind], body, entry.get("type", content_type),
                entry.get("shape", False), entry.get("until", {}))
