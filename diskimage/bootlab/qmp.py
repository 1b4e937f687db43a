"""qemu's control socket: JSON, one object per line (docs/interop/qmp-spec)."""

import json
import socket
import threading

from bootlab.failure import LabError


class QMP:
    """A connection; events are collected, answers returned."""

    def __init__(self, path, timeout=20):
        self.events = []
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._next()
        self.execute("qmp_capabilities")

    def _next(self):
        line = self._lines.readline()
        if not line:
            raise LabError("qemu closed its control socket: it has ended")
        return json.loads(line)

    def execute(self, command, **arguments):
        """Runs a command; its `return`, or an error with qemu's words."""
        with self._lock:
            try:
                self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
                while True:
                    answer = self._next()
                    if "event" in answer:
                        self.events.append(answer)
                    elif "error" in answer:
                        raise LabError(f"qemu refused {command} {arguments}: {answer['error']['desc']}")
                    else:
                        return answer["return"]
            except OSError as error:
                raise LabError(f"qemu did not answer {command}: {error}") from error

    def close(self):
        """Ends the connection."""
        self._socket.close()
