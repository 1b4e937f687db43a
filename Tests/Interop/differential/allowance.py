"""The list of the differences that are meant, `allowed.toml`.

    [[allowed]]
    reason = "W34: a 405 says which methods there are"    # the contract's improvement, or what lets us differ
    aspect = 'header allow'         # a regular expression for the whole aspect
    step = 'single/.*'              # the same for the step; any, if left out
    upstream = 'absent'             # regular expressions to be found in the values; any, if left out
    ours = 'GET'
"""

import pathlib
import re
import tomllib

FILE = pathlib.Path(__file__).parent / "allowed.toml"


class Allowance:
    """One entry."""

    def __init__(self, entry):
        unknown = set(entry) - {"reason", "aspect", "step", "upstream", "ours"}
        if unknown or not entry.get("reason") or "aspect" not in entry:
            raise ValueError(f"{FILE.name}: {entry}: an entry has reason and aspect, and may have step, upstream, ours")
        self.reason = entry["reason"]
        self.aspect = entry["aspect"]
        self.step = entry.get("step", ".*")
        self.upstream = entry.get("upstream", "")
        self.ours = entry.get("ours", "")
        self.count = 0

    def covers(self, difference):
        """Whether it is about this difference."""
        return (re.fullmatch(self.aspect, difference.aspect) and re.fullmatch(self.step, difference.step)
                and re.search(self.upstream, difference.upstream, re.DOTALL)
                and re.search(self.ours, difference.ours, re.DOTALL))

    def __str__(self):
        return f"step {self.step!r}, aspect {self.aspect!r}: {self.reason}"


class Allowances:
    """The whole list; the first entry that covers a difference explains it."""

    def __init__(self, path=FILE):
        self.entries = [Allowance(entry) for entry in tomllib.loads(path.read_text()).get("allowed", [])]

    def find(self, difference):
        """The entry that allows a difference, or nothing."""
        return next((entry for entry in self.entries if entry.covers(difference)), None)

    def explain(self, difference):
        """The same, counted as used."""
        entry = self.find(difference)
        if entry is not None:
            entry.count += 1
        return entry

    def unused(self):
        """Entries that have covered nothing."""
        return [entry for entry in self.entries if entry.count == 0]
