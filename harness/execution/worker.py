"""What a forked process does: read case specifications, run them, write results, as JSON lines on one socket."""

from __future__ import annotations

import json
import os
import socket
import sys

from harness.execution.cell import Cell

_OUTPUT_CHARACTERS = 4000


def serve(job: int, output: int) -> None:
    """Run every case of a job. `output` is the file that stdout and stderr go to.

    Says that it has started once: the next case starts when the one before has finished.
    """
    with socket.socket(fileno=job) as channel, channel.makefile("rb") as requests:
        cell = Cell()
        for index, line in enumerate(requests):
            spec = json.loads(line)
            start = os.fstat(output).st_size
            if index == 0:
                _send(channel, {"event": "started"})
            message = cell.run(spec)
            sys.stdout.flush()
            sys.stderr.flush()
            message["output"] = None if message["status"] == "ok" else tail(output, start)
            _send(channel, {"event": "finished", **message})


def tail(output: int, start: int = 0) -> str | None:
    """The end of what was written to a file since `start`."""
    end = os.fstat(output).st_size
    start = max(start, end - _OUTPUT_CHARACTERS)
    text = os.pread(output, end - start, start).decode("utf-8", "replace").strip()
    return text or None


def _send(channel: socket.socket, message: dict[str, object]) -> None:
    channel.sendall(json.dumps(message).encode() + b"\n")
