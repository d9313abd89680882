"""A job: cases that share one worker process, and where the worker stands."""

from __future__ import annotations

import json
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeAlias

from harness.execution.output import Output
from harness.execution.spec import CaseSpec, Message, Started, read_message
from harness.execution.worker import MESSAGE_BYTES
from harness.plan.case import Case

Why: TypeAlias = Literal["time", "memory", "garbled"]
_CHUNKS = 64
"""Read at a time: a worker that writes without end must not keep the coordinator."""
_AHEAD = 2
"""Specifications sent before the answer to the first: the worker never waits for the coordinator."""


class Job:
    """The coordinator's end of a worker: its channel, its output, its cases."""

    def __init__(self, cases: Sequence[Case], spec: Callable[[Case], CaseSpec]) -> None:
        self.channel, self._worker_end = socket.socketpair()
        self.output = Output()
        self._spec = spec
        self._unsent = deque(cases)
        self._sent: deque[Case] = deque()
        self._buffer = bytearray()
        self._outgoing = b""
        self.channel.setblocking(False)
        self.pid: int | None = None
        self.began: float | None = None
        """When the running case began, on the monotonic clock."""
        self.held = 0
        """Bytes of memory that the worker held when it started."""
        self.silent = False
        """Whether the worker has closed its end."""
        self.over = False
        """Whether the worker has done all that it will do."""
        self.stopped: Why | None = None
        """Why the worker is being stopped."""
        self.stopped_at: float | None = None
        """When, on the monotonic clock."""
        self.condemned: Case | None = None
        """The case for which it is."""
        self._feed()

    @property
    def current(self) -> Case | None:
        """The case that runs, or is next to."""
        return self._sent[0] if self._sent else None

    @property
    def deadline(self) -> float | None:
        """When the running case has to be done, on the monotonic clock."""
        return self.began + self.current.limits.seconds if self.began is not None and self.current else None

    def descriptors(self) -> list[int]:
        """What the worker gets: its end of the channel and the pipe for its output."""
        return [self._worker_end.fileno(), self.output.writer]

    def started(self) -> None:
        """The worker's ends are the worker's now."""
        self._worker_end.close()
        self.output.close_writer()

    def messages(self) -> Iterator[Message | Started]:
        """What the worker has said since the last time.

        Raises:
            ValueError: something that is no message, or that is not said of the running case.
        """
        start = len(self._buffer)
        for _ in range(_CHUNKS):
            if not (chunk := self._receive()):
                self.silent = chunk is not None
                break
            self._buffer += chunk
        if self._buffer.find(b"\n", start) < 0:
            if len(self._buffer) > MESSAGE_BYTES:
                raise ValueError("a message without end")
            return
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            message = read_message(line)
            if message["event"] == "finished" and (self.current is None or message["case"] != self.current.id):
                raise ValueError("a result of another case")
            yield message

    @property
    def unsent(self) -> bool:
        """Whether specifications wait for the worker to read those before them."""
        return bool(self._outgoing)

    def send(self) -> None:
        """Send what the channel takes now: a worker that does not read must not keep the coordinator."""
        try:
            while self._outgoing:
                self._outgoing = self._outgoing[self.channel.send(self._outgoing) :]
            if not self._unsent:
                self.channel.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            self._outgoing = b""  # the worker is gone; its end will be reported

    def forked(self, pid: int) -> None:
        """The worker is there: from now on its case's time counts."""
        self.pid = pid
        self.begin()

    def stop(self, why: Why) -> None:
        """Note that the worker is being stopped, and for which case."""
        self.stopped, self.stopped_at, self.condemned = why, time.monotonic(), self.current

    def begin(self) -> Case | None:
        """The next case has begun, if there is one."""
        self.began = time.monotonic() if self.current else None
        return self.current

    def finish_current(self) -> Case:
        """Take the running case off the list, and send the worker another."""
        case = self._sent.popleft()
        self.began = None
        self._feed()
        return case

    def left_over(self) -> list[Case]:
        """The cases that have not been finished."""
        return [*self._sent, *self._unsent]

    def close(self) -> None:
        """Let go of the channel and the pipe."""
        self.channel.close()
        self._worker_end.close()
        self.output.close()

    def _feed(self) -> None:
        while self._unsent and len(self._sent) < _AHEAD:
            case = self._unsent.popleft()
            self._sent.append(case)
            self._outgoing += json.dumps(self._spec(case)).encode() + b"\n"
        self.send()

    def _receive(self) -> bytes | None:
        """What has arrived; None if there is nothing yet, empty at the end."""
        try:
            return self.channel.recv(1 << 16)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            return b""
