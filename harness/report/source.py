"""A run as it lies on disk, going on or finished."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.claims.verdicts import read_verdicts
from harness.errors import HarnessError
from harness.store.store import SUITE, Store

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Source:
    """A run: its record, its suite and its results."""

    folder: Path
    record: Mapping[str, Any]
    suite: str
    """The suite's YAML; empty if it is not there."""
    table: pa.Table

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.record["run"])

    @property
    def finished(self) -> bool:
        """Whether no more results will come from the run itself."""
        return self.record["finished_at"] is not None

    @property
    def planned(self) -> int:
        """How many cases the run has."""
        return int(self.record["cases"])

    @cached_property
    def statuses(self) -> dict[str, int]:
        """How many cases have ended in which way so far, the frequent ones first."""
        cases = self.table.select(["case", "status"]).group_by(["case", "status"]).aggregate([])
        counts = cases["status"].value_counts().to_pylist()
        return {one["values"]: one["counts"] for one in sorted(counts, key=lambda one: -one["counts"])}

    @property
    def done(self) -> int:
        """How many cases have ended."""
        return sum(self.statuses.values())

    @property
    def state(self) -> str:
        """How far the run is."""
        if self.record["interrupted"]:
            return "interrupted"
        return "finished" if self.finished else "going on, or broken off"

    @property
    def machine(self) -> str:
        """The machine in one line."""
        known = self.record["provenance"]["machine"]
        size = f"{known['cores']} cores, {known['memory_gb']} GB"
        return f"{known['cpu']}, {size}, {known['system']}, {known['architecture']}"

    @property
    def facts(self) -> dict[str, str]:
        """Where the numbers come from, by what it is."""
        origin = self.record["provenance"]
        changed = ", with uncommitted changes" if origin["dirty"] else ""
        variables = ", ".join(f"{name}={value}" for name, value in origin.get("environment", {}).items())
        return {
            "run": self.name,
            "suite": f"{self.record['suite']['name']} ({self.record['suite']['path']})",
            "started": self.record["started_at"],
            "finished": self.record["finished_at"] or self.state,
            "commit": f"{origin['commit'] or 'none: not in a repository'}{changed}",
            "machine": self.machine,
            "Python": origin["machine"]["python"],
            "versions": ", ".join(f"{name} {version}" for name, version in origin["versions"].items()),
            **({"environment": variables} if variables else {}),
            "workers": str(self.record["workers"]),
        }

    @property
    def commands(self) -> tuple[str, ...]:
        """How to run it again."""
        commit = self.record["provenance"]["commit"]
        papers = dict.fromkeys(record["claim"].partition("/")[0] for record in read_verdicts(self.folder))
        again = ["claims", *papers] if papers else ["run", str(self.record["suite"]["path"])]
        checkout = (f"git checkout {shlex.quote(commit)}",) if commit else ()
        return (
            *checkout,
            f"harness {shlex.join(again)} -j {self.record['workers']}",
            f"harness report {shlex.quote(self.name)}",
        )


def read_source(folder: Path, warn: Callable[[str], None] = warnings.warn) -> Source:
    """Read a run's folder.

    Args:
        folder: the run's.
        warn: told if some of the results are damaged.

    Raises:
        HarnessError: it is not the folder of a run.
    """
    store = Store(folder.parent, warn)
    if folder.name not in store.runs():
        raise HarnessError(f"{folder} is not the folder of a run")
    suite = folder / SUITE
    record = store.record(folder.name)
    try:
        text = suite.read_text(encoding="utf-8", errors="replace") if suite.is_file() else ""
    except OSError as error:
        raise HarnessError(f"{suite} cannot be read: {error.strerror}") from error
    return Source(folder, record, text, store.table(folder.name))
