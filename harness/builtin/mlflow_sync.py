"""Copy a run from the store to MLflow, while it goes on: `python -m harness.builtin.mlflow_sync FOLDER URI`.

A parent run for the run, a child for each case it executed. Ends when standard input is closed and all is copied.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag

from harness.claims.verdicts import VERDICTS, read_verdicts
from harness.compare.comparison import NothingToCompareError, compare
from harness.compare.options import Options
from harness.report.page import page
from harness.report.report import gather
from harness.report.source import read_source
from harness.store.rows import SCHEMA
from harness.store.store import JOURNAL, TABLE, Store

_FORBIDDEN = re.compile(r"[^\w\-. :/]")
_POLL_SECONDS = 0.5
_STATUS = {"ok": "FINISHED", "skipped": "KILLED"}


def main() -> int:
    """Follow the run of the given folder until the coordinator closes standard input."""
    folder, uri = Path(sys.argv[1]), sys.argv[2]
    os.nice(10)
    mirror = Mirror(folder, uri)
    tail = JournalTail(folder / JOURNAL)
    over = False
    while not over:
        over = bool(select.select([sys.stdin], [], [], _POLL_SECONDS)[0])
        for rows in tail.rows():
            mirror.log_case(rows)
    if (folder / TABLE).is_file():
        table = Store(folder.parent).table(folder.name)
        for _, group in groupby(table.to_pylist(), key=lambda row: row["case"]):
            mirror.log_case(list(group))
    mirror.finish()
    return 0


class JournalTail:
    """Reads a journal as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def rows(self) -> Iterator[list[dict[str, Any]]]:
        """The rows of each batch written since the last time."""
        if not self._path.is_file():
            return
        with pa.OSFile(str(self._path), "rb") as source:
            source.seek(self._offset)
            while True:
                try:
                    message = pa.ipc.read_message(source)
                except (EOFError, pa.ArrowInvalid, OSError):
                    return  # the rest is not written yet
                self._offset = source.tell()
                if message.type == "record batch":
                    yield pa.ipc.read_record_batch(message, SCHEMA).to_pylist()


class Mirror:
    """A run's parent in MLflow and its children."""

    def __init__(self, folder: Path, uri: str) -> None:
        self._folder = folder
        self._record = Store(folder.parent).record(folder.name)
        self._client, self._experiment = _connect(folder.parent, uri, f"harness/{self._record['suite']['name']}")
        tags = {"mlflow.runName": folder.name, "harness.run": folder.name, **self._provenance()}
        self._parent: Run = self._client.create_run(self._experiment, tags=tags)
        self._logged: set[str] = set()

    def log_case(self, rows: list[dict[str, Any]]) -> None:
        """Log a case as a child run, once. A reused one has its child under the run that executed it."""
        first = rows[0]
        if first["case"] in self._logged or first["reused_from"]:
            return
        self._logged.add(first["case"])
        finished = int(first["finished_at"].timestamp() * 1000)
        started = finished - int(1000 * (first["seconds"] or 0))
        run = self._client.create_run(self._experiment, start_time=started, tags=self._tags(first)).info.run_id
        metrics = [Metric(*one, finished, step) for *one, step in _metrics(rows)]
        self._client.log_batch(run, metrics=metrics, params=_parameters(first))
        self._client.set_terminated(run, _STATUS.get(first["status"], "FAILED"), end_time=finished)

    def finish(self) -> None:
        """Close the parent: verdicts on claims as tags; suite, results, comparison and report as artifacts."""
        run = self._parent.info.run_id
        record = Store(self._folder.parent).record(self._folder.name)
        metrics = [Metric(f"cases/{status}", count, 0, 0) for status, count in record["statuses"].items()]
        self._client.log_batch(run, metrics=metrics, tags=_verdicts(self._folder))
        for name in ("suite.yaml", "run.json", TABLE, VERDICTS):
            if (self._folder / name).is_file():
                self._client.log_artifact(run, str(self._folder / name))
        with tempfile.TemporaryDirectory() as made:
            for path in _conclusions(self._folder, Path(made)):
                self._client.log_artifact(run, str(path))
        self._client.set_terminated(run, "KILLED" if record["interrupted"] else "FINISHED")

    def _tags(self, row: dict[str, Any]) -> dict[str, str]:
        tags = {
            "mlflow.parentRunId": self._parent.info.run_id,
            "mlflow.runName": f"{row['task_label']} {row['model_label']} seed {row['seed']}"[:250],
            "harness.run": self._folder.name,
            "harness.case": row["case"],
            "paper": row["model"].partition("/")[0],
            "error": row["error"],
            **{name: row[name] for name in ("task", "model", "role", "backend", "seed", "scale", "status")},
            **self._provenance(),
        }
        return {name: str(value)[:5000] for name, value in tags.items() if value not in (None, "")}

    def _provenance(self) -> dict[str, str]:
        known = self._record["provenance"]
        return {"commit": str(known["commit"]), "dirty": str(known["dirty"]), "suite": self._record["suite"]["name"]}


def _connect(store: Path, uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client and the experiment's id. Two processes that create one database at once break it: hence the lock."""
    with (store / ".mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        client = MlflowClient(tracking_uri=uri)
        if found := client.get_experiment_by_name(experiment):
            return client, str(found.experiment_id)
        local = uri.startswith("sqlite:")
        artifacts = (store / "mlartifacts").as_uri() if local else None
        return client, str(client.create_experiment(experiment, artifact_location=artifacts))


def _metrics(rows: list[dict[str, Any]]) -> Iterator[tuple[str, float, int]]:
    """Names, values and steps: of a curve, the step is its one whole-numbered coordinate, or the position."""
    first = rows[0]
    for name in ("seconds", "cpu_seconds", "peak_memory"):
        if first[name] is not None:
            yield f"case/{name}", float(first[name]), 0
    for phase, seconds in json.loads(first["phases"]).items():
        yield _FORBIDDEN.sub("_", f"phase/{phase}"), seconds, 0
    for index, row in enumerate(rows):
        if row["metric"] is not None:
            ticks = list(json.loads(row["coordinates"]).values()) if row["coordinates"] else [0]
            step = ticks[0] if len(ticks) == 1 and isinstance(ticks[0], int) else index
            yield _FORBIDDEN.sub("_", row["metric"]), row["value"], step


def _conclusions(run: Path, folder: Path) -> Iterator[Path]:
    """The comparison of the run's models and its report, as files in a folder."""
    source = read_source(run)
    (folder / "report.html").write_text(page(gather([source], Options())), encoding="utf-8")
    yield folder / "report.html"
    try:
        compared = compare(source.table).plain()
    except NothingToCompareError:
        return
    (folder / "comparison.json").write_text(json.dumps(compared, indent=1, allow_nan=False), encoding="utf-8")
    yield folder / "comparison.json"


def _verdicts(folder: Path) -> list[RunTag]:
    return [RunTag(f"claim.{record['claim']}", record["verdict"]) for record in read_verdicts(folder)]


def _parameters(row: dict[str, Any]) -> list[Param]:
    return [
        Param(_FORBIDDEN.sub("_", f"{kind}.{name}"), str(value)[:5000])
        for kind in ("task", "model", "backend")
        for name, value in json.loads(row[f"{kind}_parameters"]).items()
    ]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # noqa: BLE001 - the coordinator shows the last line
        sys.exit(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
