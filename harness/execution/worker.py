"""What a forked process does: read case specifications, run them, write results, as JSON lines on one socket."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import tempfile
from pathlib import Path

from harness.execution.cell import Cell
from harness.execution.output import boundary
from harness.execution.pollution import pollute
from harness.execution.state import ProcessState, empty, has_children

MESSAGE_BYTES = 64_000_000
"""The longest message that a worker sends and the coordinator takes."""


def serve(job: int, scratch: Path) -> bool:
    """Run every case of a job in a folder of its own, which is also where temporary files go.

    Says that it has started once: the next case starts when the one before has finished. A case that shares the process
    with others and is not ok, or leaves what cannot be put back, is the last one here.

    Returns:
        Whether no process is left behind.
    """
    own = os.getpid()
    volunteer()
    settle(scratch)
    with socket.socket(fileno=job) as channel, channel.makefile("rb") as requests:
        cell = Cell()
        state = None
        for index, line in enumerate(requests):
            spec = json.loads(line)
            if index == 0:
                _send(channel, {"event": "started", "held": cell.held()})
                state = ProcessState() if spec["shared"] else None
            if state is not None:
                os.write(1, boundary(spec["id"]).encode())
            if spec["pollution"]:
                ballast = pollute(spec["pollution"])  # noqa: F841 - kept while the case runs
            message = cell.run(spec)
            if os.getpid() != own:
                os._exit(0)  # a process that the case has forked, and that came back from it as if it were this one
            _flush()
            last = message["status"] != "ok"
            if state is not None and not last:
                last = bool(state.restore())
                empty(scratch)
            _send(channel, {"event": "finished", "case": spec["id"], "last": last, **message})
            if last:
                break
    return not has_children()


def volunteer() -> None:
    """If the kernel has to kill somebody for memory, then this process and not the coordinator."""
    with contextlib.suppress(OSError):
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)


def settle(scratch: Path) -> None:
    """Work in a folder of its own, which is also where temporary files go."""
    scratch.mkdir()
    os.chdir(scratch)
    os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)


def _flush() -> None:
    """Out with what is buffered; a case may have closed or replaced the streams."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _send(channel: socket.socket, message: dict[str, object]) -> None:
    # half characters (undecodable file names are made of them) cannot travel
    line = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    if len(line) > MESSAGE_BYTES:
        error = f"its values take {len(line)} bytes as text, more than {MESSAGE_BYTES}: thin the curves"
        line = json.dumps({**message, "status": "invalid", "error": error, "values": [], "phases": {}}).encode() + b"\n"
    channel.sendall(line)
