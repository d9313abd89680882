"""Operations in fresh processes of their own, which take turns with each other.

A `Side` is one version of the code: a server that has imported what the operations need and forks a process for each in
milliseconds. A `Player` is an operation in such a process. Players of one side or of two take turns (`take_turns`):
while one has its block the others sleep.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.clocks import Lap
from harness.errors import HarnessError
from harness.execution.output import Output
from harness.execution.server import Code, End, Server
from harness.plan.planner import Modules
from harness.timing.settings import Settings

_END_SECONDS = 2.0
"""What a process may take to end."""


@dataclass(frozen=True)
class Request:
    """An operation to be built in a process."""

    make: str
    """`module:function`: called there, it returns the `Operation` and its `Backend`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain values."""
    seconds: float = 600.0
    """What building, warming up and each block may take."""
    memory: int | None = None
    """Bytes that it may use beyond what the process holds when it begins."""


class OperationError(Exception):
    """An operation could not be built or called; its process is gone."""

    def __init__(self, text: str, player: Player, traceback: str | None = None) -> None:
        super().__init__(text)
        self.player = player
        """Whose it was."""
        self.traceback = traceback
        """Where it happened in the process, if it could still tell."""


class Player:
    """An operation in a process of its own. Made by `Side.play`."""

    def __init__(self, side: Side, request: Request, settings: Settings, core: int | None) -> None:
        self.pid: int | None = None
        self.end: End[Player] | None = None
        """How its process ended, if it has."""
        self.channel, self._theirs = socket.socketpair()
        self.output = Output()
        self.filters = True
        self.facts: Mapping[str, Any] = {}
        """What the process said when it was ready: times, memory, items, and the device."""
        self._side = side
        self._seconds = request.seconds
        self._buffer = b""
        plain = {"make": request.make, "arguments": dict(request.arguments), "memory": request.memory}
        self.channel.sendall(json.dumps({**plain, "settings": asdict(settings), "core": core}).encode() + b"\n")

    def descriptors(self) -> list[int]:
        """Its end of the channel, and the pipe for its output."""
        return [self._theirs.fileno(), self.output.writer]

    def started(self) -> None:
        """The process has its ends."""
        self._theirs.close()
        self.output.close_writer()

    def forked(self, pid: int) -> None:
        """The process is there."""
        self.pid = pid

    def wait(self) -> None:
        """Until it is warm.

        Raises:
            OperationError: it could not be built, or not in time.
        """
        self.facts = self._message()
        self.filters = self.facts["filters"]

    def block(self) -> list[Lap]:
        """A turn.

        Raises:
            OperationError: the call failed, or took too long.
        """
        with contextlib.suppress(OSError):  # it is gone: heard below
            self.channel.sendall(b"\n")
        return [Lap(*lap) for lap in self._message()["laps"]]

    def close(self) -> None:
        """End the process and wait for that: what it does at its end must not meet others' samples."""
        self.channel.close()
        if not self._side.wait(lambda: self.end is not None, _END_SECONDS):
            self._side.kill(self)
            self._side.wait(lambda: self.end is not None, _END_SECONDS)
        self.output.close()

    def _message(self) -> dict[str, Any]:
        deadline = time.monotonic() + self._seconds
        while b"\n" not in self._buffer:
            if not self._side.wait(lambda: self.end is not None, deadline - time.monotonic(), self):
                raise OperationError(f"it was not done within {self._seconds:g} s", self)
            chunk = self._received()
            if not chunk and self.end is not None:
                raise OperationError(self._last_words(), self)
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message: dict[str, Any] = json.loads(line)
        except ValueError:
            raise OperationError("its process sent what is no message", self) from None
        if message["event"] == "failed":
            raise OperationError(message["error"], self, message["traceback"])
        return message

    def _received(self) -> bytes:
        try:
            return self.channel.recv(1 << 16, socket.MSG_DONTWAIT)
        except (BlockingIOError, ConnectionResetError):
            return b""

    def _last_words(self) -> str:
        assert self.end is not None
        written, _ = self.output.of("")
        told = (written or "").splitlines()
        code = self.end.reason or f"its process ended with exit code {self.end.code}"
        return f"{code}: {told[-1]}" if told else code


class Side:
    """A version of the code, ready to fork processes for its operations."""

    def __init__(self, threads: int, modules: Modules, scratch: Path, code: Code | None = None) -> None:
        """Args: threads of the numerical libraries; what to import; a folder for temporary ones; code other than this.

        Raises:
            HarnessError: it cannot be started.
        """
        self.threads = threads
        self._server: Server[Player] = Server(threads, modules, scratch, serve="harness.timing.worker:serve", code=code)
        while not self._server.ready:
            patience = self._server.patience_ends - time.monotonic()
            if not self.wait(lambda: self._server.ready, patience):
                importing = self._server.importing
                self.close()
                raise HarnessError(f"the server of processes hangs while it imports {importing}")

    @contextlib.contextmanager
    def play(self, request: Request, settings: Settings, core: int | None = None) -> Iterator[Player]:
        """A process for an operation, warm. It ends with the context.

        Args:
            request: the operation.
            settings: of its warm-up and its blocks.
            core: the processor that it is bound to.

        Raises:
            OperationError: the operation could not be built.
        """
        player = Player(self, request, settings, core)
        self._server.start(player)
        try:
            player.wait()
            yield player
        finally:
            player.close()

    def wait(self, done: Callable[[], bool], seconds: float, player: Player | None = None) -> bool:
        """Whether something is so, or a player has something to say, before that many seconds are over.

        Raises:
            HarnessError: the server has died.
        """
        deadline = time.monotonic() + seconds
        while not done():
            watched: list[Any] = [self._server.control]
            if player is not None:
                player.output.drain()
                watched.append(player.channel)
            ready, _, _ = select.select(watched, [], [], max(0.0, deadline - time.monotonic()))
            if self._server.control in ready:
                self._hear()
            if player is not None and player.channel in ready:
                return True
            if not ready:
                return False
        return True

    def kill(self, player: Player) -> None:
        """Kill a player's process."""
        self._server.kill(player)

    def close(self) -> None:
        """End the server and every process of it."""
        self._server.close()

    def _hear(self) -> None:
        ends = self._server.heard()
        if ends is None:
            importing = self._server.importing
            where = f" while it imported {importing}" if not self._server.ready and importing else ""
            raise HarnessError(f"the server of processes died{where}")
        for end in ends:
            end.job.end = end


def cores() -> Sequence[int]:
    """The processors to bind competitors to, all to the same one: two of them are seldom equally fast.

    On a virtual machine each shares its silicon with somebody else's work. Nothing is bound where there is only one.
    """
    if not hasattr(os, "sched_getaffinity"):
        return ()
    allowed = sorted(os.sched_getaffinity(0))
    return allowed if len(allowed) > 1 else ()
