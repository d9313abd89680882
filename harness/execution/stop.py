"""A wish to end a run: first gently, so that what runs may finish; the second time at once."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_AT_ONCE = (signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Says whether to go on; whoever waits for other things too can wait for its descriptor."""

    def __init__(self, say: Callable[[str], object] = lambda _: None) -> None:
        self._say = say
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self.requested = False
        """Whether to start nothing more."""
        self.at_once = False
        """Whether not to wait for what runs either."""

    def fileno(self) -> int:
        """Readable after each request."""
        return self._reader.fileno()

    def request(self, *, at_once: bool = False) -> None:
        """Ask for the end. A second request is one for the end at once."""
        self.at_once = self.requested or at_once
        self.requested = True
        with contextlib.suppress(OSError):  # full: then it is heard anyway; closed: there is nothing to stop
            self._writer.send(b"!")

    def close(self) -> None:
        """Nobody waits for it any more."""
        self._reader.close()
        self._writer.close()

    def heard(self) -> None:
        """The request has been seen; say what it does."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        if not self.at_once:
            self._say("stopping when the cases that run have finished; again: at once")

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """While inside, Ctrl-C asks gently, SIGTERM and SIGHUP at once, and none interrupts what is being written.

        A request for the end at once that was not heeded (a plugin hangs) makes the next Ctrl-C an exception again.
        Outside of the main thread signals are none of ours.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, *_AT_ONCE)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.at_once and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.request(at_once=number in _AT_ONCE)
