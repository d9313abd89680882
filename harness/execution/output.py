"""What a worker writes to stdout and stderr: taken as it comes, its end kept."""

from __future__ import annotations

import os

_KEPT_BYTES = 1 << 16
_CHUNK = 1 << 16
_CHUNKS = 64
"""Read at a time: a worker that writes without end must not keep the coordinator."""
_FAULT = "Fatal Python error: "
_MODULES = "Extension modules: "


def boundary(case: str) -> str:
    """What stands before the output of a case that shares its process."""
    return f"\0{case}\0"


class Output:
    """The reading end of a pipe. Nothing is stored but the last 64 KiB."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.ended = False
        """Whether nothing more will come."""
        self._tail = bytearray()

    def fileno(self) -> int:
        """For selectors."""
        return self.reader

    def close_writer(self) -> None:
        """The worker has its own copy of the writing end."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        """Close both ends."""
        self.close_writer()
        os.close(self.reader)

    def drain(self) -> None:
        """Take what has arrived."""
        for _ in range(_CHUNKS):
            try:
                chunk = os.read(self.reader, _CHUNK)
            except BlockingIOError:
                return
            if not chunk:
                self.ended = True
                return
            self._tail += chunk
            del self._tail[:-_KEPT_BYTES]

    def of(self, case: str) -> tuple[str | None, str | None]:
        """The end of what a case wrote, and where the interpreter said that it stood when it died.

        Cases that share a process are told apart by what the worker writes between them.
        """
        self.drain()
        text = self._tail.decode("utf-8", "replace").rpartition(boundary(case))[2]
        written, fault, trace = text.rpartition(_FAULT)
        if not fault:
            written, trace = text, ""
        return written.strip() or None, _stack(trace)


def _stack(trace: str) -> str | None:
    """The stacks that `faulthandler` wrote, without its own headline (which names the signal that made it write)."""
    lines = [line for line in trace.splitlines()[1:] if not line.startswith(_MODULES)]
    return "\n".join(lines).strip() or None
