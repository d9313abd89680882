"""Read what runs have stored: their tables, their records, and which cases need not run again."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.errors import DamagedError, HarnessError, StoreError
from harness.results import Result
from harness.store.damage import Damage, DamagedFileError, Reading
from harness.store.digests import read_digests
from harness.store.files import write_atomically
from harness.store.journal import read_journal
from harness.store.record import read_record
from harness.store.rows import SCHEMA, to_results
from harness.store.table import read_table, write_table
from harness.store.versions import OLD_JOURNAL, read_old_journal

RECORD = "run.json"
JOURNAL = "journal.bin"
TABLE = "results.parquet"
SUITE = "suite.yaml"


@dataclass(frozen=True)
class Past:
    """What an earlier run knows of a cell."""

    case: str
    run: str
    status: str
    fingerprint: str
    seconds: float | None


class Store:
    """A folder of runs, each a folder of its own: `run.json`, `suite.yaml` and the results.

    Args:
        root: the folder; it need not be there yet.
        warn: told once of each run that cannot be read, or not whole.
    """

    def __init__(self, root: Path, warn: Callable[[str], None] = warnings.warn) -> None:
        self.root = root
        self.incomplete: set[str] = set()
        """The runs of which something could not be read so far."""
        self._warn = warn
        self._told: set[str] = set()

    def runs(self) -> list[str]:
        """The runs, oldest first.

        Raises:
            HarnessError: the folder cannot be listed.
        """
        try:
            names = sorted(entry.name for entry in self.root.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []  # none yet
        except OSError as error:
            raise HarnessError(f"the store {self.root} cannot be read: {error.strerror}") from error
        return [name for name in names if self._is_run(name)]

    def new_run(self, suite: str) -> tuple[str, Path]:
        """A name and a folder for a run that begins now.

        Raises:
            StoreError: the folder cannot be made.
        """
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        for attempt in range(1000):
            name = f"{stamp}-{suite}" + (f"-{attempt:03}" if attempt else "")
            try:
                (self.root / name).mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise StoreError(f"the store {self.root} cannot be written: {error.strerror}") from error
            return name, self.root / name
        raise HarnessError(f"the store {self.root} holds too many runs of this second")

    def find(self, name: str | None) -> str:
        """The run of a name or of its unambiguous beginning; without a name, the latest that can be read.

        Raises:
            HarnessError: there is none, or several.
        """
        runs = self.runs()
        if not runs:
            raise HarnessError(f"no runs in {self.root}: `harness run SUITE` makes one")
        if name is None:
            return next((run for run, _ in self.records(reversed(runs))), runs[-1])
        matches = [run for run in runs if run == name] or [run for run in runs if name in run]
        if len(matches) == 1:
            return matches[0]
        problem = "matches several runs" if matches else "matches no run"
        raise HarnessError(f"{name!r} {problem}; there are {', '.join((matches or runs)[-5:])}")

    def record(self, run: str) -> dict[str, Any]:
        """What `run.json` says: suite, provenance, fingerprints, plan.

        Raises:
            DamagedError: it cannot be read, or was written by a newer version of the harness.
        """
        return read_record(self.root / run / RECORD)

    def records(self, runs: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The records of those of the runs that can be read."""
        for run in runs:
            try:
                yield run, self.record(run)
            except DamagedError as error:
                self._tell(run, str(error))

    def table(self, run: str, columns: Collection[str] | None = None) -> pa.Table:
        """The results of a run, finished, going on or broken off: whatever is whole.

        Raises:
            DamagedError: none can be read, or a newer version of the harness has written them.
        """
        reading = self.reading(run, columns)
        if reading.damage:
            self._tell(run, str(reading.damage))
        return reading.table

    def reading(self, run: str, columns: Collection[str] | None = None) -> Reading:
        """The results of a run and what is wrong with them; raises as `table` does."""
        folder = self.root / run
        try:
            if not (folder / TABLE).is_file():
                reading = _read_journals(folder)
                if not (folder / TABLE).is_file():  # else the journal may have been gone before it was read
                    table = reading.table.select(list(columns)) if columns else reading.table
                    return dataclasses.replace(reading, table=table)
            return read_table(folder / TABLE, columns, read_digests(folder).get(TABLE))
        except OSError as error:
            raise DamagedFileError(folder, f"cannot be read: {error.strerror}") from error

    def past(self, keys: Collection[str]) -> Iterator[tuple[str, Past]]:
        """What is known of cells, by key: the latest first. What cannot be read, or not be trusted, is left out."""
        for run in reversed(self.runs()):
            seen = set()
            for row in self._trusted(run, ["key", "case", "status", "fingerprint", "seconds"]).to_pylist():
                if row["key"] in keys and row["case"] not in seen:
                    seen.add(row["case"])
                    yield row["key"], Past(row["case"], run, row["status"], row["fingerprint"], row["seconds"])

    def results(self, run: str) -> Iterator[tuple[str, Result]]:
        """The results of a run by case; what cannot be read, or not be trusted, is left out."""
        return to_results(self._trusted(run))

    def _trusted(self, run: str, columns: Collection[str] | None = None) -> pa.Table:
        """The results of a run that are certainly those that were written."""
        try:
            reading = self.reading(run, columns)
        except DamagedError as error:
            self._tell(run, str(error))
            return SCHEMA.empty_table()
        if reading.damage:
            self._tell(run, str(reading.damage))
        return reading.table if reading.certain else reading.table.slice(0, 0)

    def _is_run(self, name: str) -> bool:
        try:
            return (self.root / name / RECORD).is_file()
        except OSError as error:
            self._tell(name, f"{self.root / name} cannot be read: {error.strerror}")
            return False

    def _tell(self, run: str, what: str) -> None:
        self.incomplete.add(run)
        if what not in self._told:
            self._told.add(what)
            self._warn(what)


def compact(folder: Path) -> Damage | None:
    """Turn a run's journal into its final table, and answer what was wrong with it.

    Raises:
        OSError: the table cannot be written; the journal stays, and the run is read from it.
    """
    reading = read_journal(folder / JOURNAL)
    write_atomically(folder / TABLE, lambda path: write_table(path, reading.table))
    (folder / JOURNAL).unlink(missing_ok=True)
    return reading.damage


def _read_journals(folder: Path) -> Reading:
    """What the journal of a run that is not finished holds."""
    if (folder / OLD_JOURNAL).is_file():
        return Reading(read_old_journal(folder / OLD_JOURNAL))
    return read_journal(folder / JOURNAL)
