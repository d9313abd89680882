"""A page that follows a run: written anew while results come, and once more, without reloading, when the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from harness.compare.options import Options
from harness.report.page import page
from harness.report.report import gather
from harness.report.source import Source, read_source
from harness.store.files import write_atomically
from harness.store.store import JOURNAL

_QUIET_SECONDS = 60.0
"""So long without a result is worth a word."""
_SHARE = 0.1
"""Of one core: so much at most does watching cost, that it does not disturb what is measured."""


@dataclass(frozen=True)
class Progress:
    """How far a run was when its page was written."""

    done: int
    planned: int
    statuses: dict[str, int]
    finished: bool
    quiet_seconds: float
    """Since the last result."""

    def __str__(self) -> str:
        statuses = ", ".join(f"{count} {status}" for status, count in self.statuses.items())
        said = f"{self.done}/{self.planned} cases" + (f": {statuses}" if statuses else "")
        if self.quiet_seconds < _QUIET_SECONDS:
            return said
        return (
            f"{said}; nothing new for {self.quiet_seconds:.0f} s: a long case, or the run was broken off (Ctrl-C ends)"
        )


def write_page(folders: list[Path], path: Path, options: Options, reload_seconds: float | None = None) -> list[Source]:
    """Write the page of runs, in one step."""
    sources = [read_source(folder) for folder in folders]
    text = page(gather(sources, options), reload_seconds=reload_seconds)
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return sources


def follow(
    folder: Path, path: Path, options: Options, seconds: float, *, sleep: Callable[[float], None] = time.sleep
) -> Generator[Progress, None, None]:
    """Write a run's page every so many seconds until the run is finished; answer each time how far it is.

    However it ends, the page that is left does not reload.
    """
    try:
        while True:
            began = time.process_time()
            (source,) = write_page([folder], path, options, seconds)
            if source.finished:
                break
            yield _progress(source)
            sleep(max(seconds, (time.process_time() - began) / _SHARE))
    finally:
        (source,) = write_page([folder], path, options)
    yield _progress(source)


def _progress(source: Source) -> Progress:
    quiet = 0.0 if source.finished else max(0.0, time.time() - _last_change(source.folder))
    return Progress(source.done, source.planned, source.statuses, source.finished, quiet)


def _last_change(folder: Path) -> float:
    journal = folder / JOURNAL
    return (journal if journal.is_file() else folder).stat().st_mtime
