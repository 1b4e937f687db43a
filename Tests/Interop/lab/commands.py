"""Commands on this machine, with what they printed in the error when they fail."""

import subprocess
import time


class CommandFailed(Exception):
    """A command that exited with another status than 0."""


def run(*words, check=True, timeout=60, stdin=None):
    """Runs a command; returns its output, standard error included."""
    words = [str(word) for word in words]
    result = subprocess.run(
        words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
    if check and result.returncode != 0:
        raise CommandFailed(f"{' '.join(words)}: status {result.returncode}: {result.stdout.strip()}")
    return result.stdout


def wait_until(what, condition, seconds=30, every=0.05):
    """Polls until the condition gives something true, which is returned; an exception of its own counts as false."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except Exception as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last: {last!r}")
        time.sleep(every)
