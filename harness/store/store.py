"""Read what runs have stored: their tables, their records, and which cases need not run again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from harness.errors import HarnessError
from harness.store.files import write_atomically
from harness.store.journal import read_journal

RECORD = "run.json"
JOURNAL = "journal.arrows"
TABLE = "results.parquet"


@dataclass(frozen=True)
class Past:
    """What an earlier run knows of a cell."""

    case: str
    run: str
    status: str
    fingerprint: str
    seconds: float | None


class Store:
    """A folder of runs, each a folder of its own: `run.json`, `suite.yaml` and the results."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def runs(self) -> list[str]:
        """The runs, oldest first."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if (entry / RECORD).is_file())

    def new_run(self, suite: str) -> tuple[str, Path]:
        """A name and a folder for a run that begins now."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        for attempt in range(1000):
            name = f"{stamp}-{suite}" + (f"-{attempt:03}" if attempt else "")
            try:
                (self.root / name).mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise HarnessError(f"the store {self.root} cannot be written: {error.strerror}") from error
            return name, self.root / name
        raise HarnessError(f"the store {self.root} holds too many runs of this second")

    def find(self, name: str | None) -> str:
        """The run of a name or of its unambiguous beginning; the latest if there is no name.

        Raises:
            HarnessError: there is none, or several.
        """
        runs = self.runs()
        if not runs:
            raise HarnessError(f"no runs in {self.root}: `harness run SUITE` makes one")
        if name is None:
            return runs[-1]
        matches = [run for run in runs if run == name] or [run for run in runs if name in run]
        if len(matches) == 1:
            return matches[0]
        problem = "matches several runs" if matches else "matches no run"
        raise HarnessError(f"{name!r} {problem}; there are {', '.join((matches or runs)[-5:])}")

    def record(self, run: str) -> dict[str, Any]:
        """What `run.json` says: suite, provenance, fingerprints, plan."""
        content: dict[str, Any] = json.loads((self.root / run / RECORD).read_text(encoding="utf-8"))
        return content

    def table(self, run: str, columns: Collection[str] | None = None) -> pa.Table:
        """The results of a run, finished, going on or broken off: whatever is whole."""
        folder = self.root / run
        if not (folder / TABLE).is_file():
            table = read_journal(folder / JOURNAL)
            if not (folder / TABLE).is_file():  # else the journal may have been gone before it was read
                return table.select(list(columns)) if columns else table
        import pyarrow.parquet as pq

        return pq.read_table(folder / TABLE, columns=list(columns) if columns else None)

    def past(self, keys: Collection[str]) -> Iterator[tuple[str, Past]]:
        """What is known of cells, by key: the latest first."""
        for run in reversed(self.runs()):
            table = self.table(run, ["key", "case", "status", "fingerprint", "seconds"])
            seen = set()
            for row in table.to_pylist():
                if row["key"] in keys and row["case"] not in seen:
                    seen.add(row["case"])
                    yield row["key"], Past(row["case"], run, row["status"], row["fingerprint"], row["seconds"])


def compact(folder: Path) -> None:
    """Turn a run's journal into its final table."""
    import pyarrow.parquet as pq

    table = read_journal(folder / JOURNAL)
    write_atomically(folder / TABLE, lambda path: pq.write_table(table, path, compression="zstd"))
    (folder / JOURNAL).unlink(missing_ok=True)
