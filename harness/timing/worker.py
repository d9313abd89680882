"""What a forked process does for timing: build an operation, warm it up, take a turn whenever it is asked for one."""

from __future__ import annotations

import gc
import json
import os
import socket
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.backends import Backend
from harness.clocks import Clock
from harness.errors import InvalidOutcomeError
from harness.execution.cell import load
from harness.execution.memory import MemoryMeter
from harness.execution.state import has_children
from harness.execution.worker import settle, volunteer
from harness.operations import Operation
from harness.timing.settings import Settings
from harness.timing.timer import Timer

_TRACEBACK_CHARACTERS = 1 << 16


def serve(job: int, scratch: Path) -> bool:
    """Read a request, a line of JSON, and say `ready`; then answer each further line with the laps of a block.

    Returns:
        Whether no process is left behind.
    """
    volunteer()
    settle(scratch)
    with socket.socket(fileno=job) as channel, channel.makefile("rb") as requests:
        timer, answer = _prepare(json.loads(requests.readline()))
        _send(channel, answer)
        if timer is not None:
            for _ in requests:
                _send(channel, {"event": "block", "laps": timer.block()})
    return not has_children()


def _prepare(request: Mapping[str, Any]) -> tuple[Timer | None, dict[str, Any]]:
    """The operation, warm, and what is to be said of it."""
    if request["core"] is not None:
        os.sched_setaffinity(0, [request["core"]])
    memory = MemoryMeter()
    memory.start(request["memory"])
    try:
        operation, backend = _built(request)
        clock = backend.clock()
        timer = Timer(operation.call, clock, Settings(**request["settings"]))
        timer.warm_up()
        peaks = {"peak_memory": memory.peak(), "device_memory": backend.peak_memory()}  # before the check has its own
        operation.verify()
    except BaseException as error:  # noqa: BLE001 - whatever an operation raises is its result
        memory.lift()
        kind = "" if isinstance(error, InvalidOutcomeError) else f"{type(error).__name__}: "
        tail = "".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:]
        return None, {"event": "failed", "error": f"{kind}{error}", "traceback": tail}
    gc.collect()
    gc.freeze()  # what is there now is not walked again when the collector runs between blocks
    return timer, {**_ready(timer, clock, operation, backend), **peaks}


def _built(request: Mapping[str, Any]) -> tuple[Operation, Backend]:
    make = load(request["make"])
    operation, backend = make(**request["arguments"])
    return operation, backend


def _ready(timer: Timer, clock: Clock, operation: Operation, backend: Backend) -> dict[str, Any]:
    return {
        "event": "ready",
        "cold_seconds": timer.cold_seconds,
        "filters": clock.filters,
        "items": operation.items,
        "item": operation.item,
        "fingerprint": backend.fingerprint(),
        "conditions": backend.conditions(),
    }


def _send(channel: socket.socket, message: Mapping[str, Any]) -> None:
    channel.sendall(json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
