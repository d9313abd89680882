"""Makes MLflow have what the store has of a run: a parent for the run, a child for each case that it executed.

What MLflow has already is found by its tags, so that uploading twice is uploading once: what is missing is created,
what was begun is completed (MLflow keeps equal points of a metric once), what is complete stays as it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag

from harness.builtin.mlflow_artifacts import artifacts
from harness.builtin.mlflow_entries import metrics, parameters, provenance, tags
from harness.builtin.mlflow_process import Outcome
from harness.claims.verdicts import read_verdicts
from harness.errors import DamagedError
from harness.store.journal import JournalReader
from harness.store.store import JOURNAL, Store

_STATUS = {"ok": "FINISHED", "skipped": "KILLED"}
_RUN, _CASE, _PARENT, _COMPLETE = "harness.run", "harness.case", "mlflow.parentRunId", "harness.complete"
_METRICS, _OTHERS = 800, 100
"""How many metrics, and how many parameters or tags, MLflow takes at once: a thousand in all."""
_LOCKED_SECONDS = 2.0


class Upload:
    """One run of the store and its mirror.

    Args:
        folder: the run's.
        uri: the tracking server's.
        fresh: nothing of the run is in MLflow: it need not be asked.
    """

    def __init__(self, folder: Path, uri: str, *, fresh: bool = False) -> None:
        self._folder = folder
        self._store = Store(folder.parent)
        self._record = self._store.record(folder.name)
        self._journal = JournalReader(folder / JOURNAL)
        self._client, self._experiment = _connect(folder.parent, uri, f"harness/{self._record['suite']['name']}")
        self._parent: Run | None = None
        self._children: dict[str, str] = {}
        """By case, the ids in MLflow."""
        self._complete: set[str] = set()
        """The cases of which MLflow has everything."""
        if not fresh:
            self._find()
        self._known = len(self._complete)

    def catch_up(self) -> None:
        """Upload the cases that were added to the journal since the last time."""
        self._parent_id()
        for batch in self._journal.read():
            self._upload(batch.to_pylist())

    def finish(self) -> Outcome:
        """Upload all that is missing and close the parent.

        A run that executed nothing and judged nothing is not in MLflow: its results are under the runs they come from.

        Raises:
            DamagedError: the results cannot be read, or are not those that were written.
        """
        reading = self._store.reading(self._folder.name)
        if not reading.certain:
            raise DamagedError(str(reading.damage))
        table = reading.table
        executed = table.filter(pc.is_null(table["reused_from"]))
        verdicts = {f"claim.{one['claim']}": str(one["verdict"]) for one in read_verdicts(self._folder)}
        if self._parent or executed.num_rows or verdicts:
            self._parent_id()
            for rows in _cases(executed, self._complete):
                self._upload(rows)
            self._close(table, verdicts)
        lost = str(reading.damage) if reading.damage else None
        return Outcome(self._folder.name, len(self._complete) - self._known, self._known, lost)

    def _find(self) -> None:
        """What MLflow has."""
        quote = '"' if "'" in self._folder.name else "'"
        found = self._search(f"tags.`{_RUN}` = {quote}{self._folder.name}{quote}")
        children = [run for run in found if _CASE in run.data.tags]
        below = Counter(child.data.tags.get(_PARENT) for child in children)
        parents = [run for run in found if _CASE not in run.data.tags]
        self._parent = max(parents, key=lambda run: below[run.info.run_id], default=None)
        for child in children:
            if self._parent and child.data.tags.get(_PARENT) == self._parent.info.run_id:
                case = child.data.tags[_CASE]
                if child.info.status != "RUNNING":
                    self._complete.add(case)
                self._children[case] = child.info.run_id

    def _search(self, filter_string: str) -> list[Run]:
        found: list[Run] = []
        token: str | None = ""
        while token is not None:
            part = self._client.search_runs([self._experiment], filter_string, page_token=token or None)
            found += part
            token = part.token or None
        return found

    def _parent_id(self) -> str:
        if self._parent is None:
            own = {"mlflow.runName": self._folder.name, _RUN: self._folder.name, **provenance(self._record)}
            started = _milliseconds(self._record["started_at"])
            self._parent = self._client.create_run(self._experiment, start_time=started, tags=own)
        return str(self._parent.info.run_id)

    def _upload(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Upload a case, unless MLflow has it. A reused one has its child under the run that executed it."""
        first = rows[0]
        case = first["case"]
        if case in self._complete or first["reused_from"]:
            return
        finished = int(first["finished_at"].timestamp() * 1000)
        if case not in self._children:
            own = {_PARENT: self._parent_id(), _RUN: self._folder.name, **tags(first), **provenance(self._record)}
            started = finished - int(1000 * (first["seconds"] or 0))
            self._children[case] = self._client.create_run(self._experiment, start_time=started, tags=own).info.run_id
        points = [Metric(name, value, finished, step) for name, value, step in metrics(rows)]
        self._log(self._children[case], points, [Param(*one) for one in parameters(first).items()], [])
        status = _STATUS.get(first["status"], "FAILED")
        self._client.set_terminated(self._children[case], status, end_time=finished)
        self._complete.add(case)

    def _log(self, run: str, points: list[Metric], params: list[Param], labels: list[RunTag]) -> None:
        for index in range(max(-(-len(points) // _METRICS), -(-max(len(params), len(labels)) // _OTHERS))):
            many = slice(index * _METRICS, (index + 1) * _METRICS)
            few = slice(index * _OTHERS, (index + 1) * _OTHERS)
            self._client.log_batch(run, metrics=points[many], params=params[few], tags=labels[few])

    def _close(self, table: pa.Table, verdicts: Mapping[str, str]) -> None:
        """Complete the parent: verdicts on claims as tags; suite, results, comparison and report as artifacts."""
        record = self._store.record(self._folder.name)
        state = f"{record['finished_at'] or 'broken off'}, {len(self._complete)} cases"
        parent = self._parent
        assert parent is not None
        if parent.info.status != "RUNNING" and parent.data.tags.get(_COMPLETE) == state:
            return
        with tempfile.TemporaryDirectory() as made:
            for path in artifacts(self._folder, table, Path(made)):
                self._client.log_artifact(parent.info.run_id, str(path))
        ended = _ended(record, table)
        cases = table.select(["case", "status"]).group_by(["case", "status"]).aggregate([])["status"].to_pylist()
        points = [Metric(f"cases/{status}", count, ended, 0) for status, count in Counter(cases).items()]
        labels = {**verdicts, _COMPLETE: state}
        self._log(parent.info.run_id, points, [], [RunTag(*one) for one in labels.items()])
        whole = record["finished_at"] and not record["interrupted"]
        self._client.set_terminated(parent.info.run_id, "FINISHED" if whole else "KILLED", end_time=ended)


def _connect(store: Path, uri: str, experiment: str) -> tuple[MlflowClient, str]:
    """A client and the experiment's id. Two processes that create one database at once break it: hence the lock."""
    with (store / ".mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        local = uri.startswith("sqlite:///")
        if local:
            _check_database(uri.removeprefix("sqlite:///").partition("?")[0])
        client = MlflowClient(tracking_uri=uri)
        if found := client.get_experiment_by_name(experiment):
            return client, str(found.experiment_id)
        artifacts = (store / "mlartifacts").as_uri() if local else None
        return client, str(client.create_experiment(experiment, artifact_location=artifacts))


def _check_database(path: str) -> None:
    """Fail at once where MLflow would try for minutes: a file that is locked, read-only or no database."""
    if path.startswith("file:"):  # an address with options of its own
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path, timeout=_LOCKED_SECONDS)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.rollback()


def _cases(table: pa.Table, without: set[str]) -> Iterator[list[dict[str, Any]]]:
    """The rows of each case, some at a time: a large table does not fit into memory as dictionaries."""
    missing = table.filter(pc.invert(pc.is_in(table["case"], value_set=pa.array(sorted(without), pa.string()))))
    rows = chain.from_iterable(batch.to_pylist() for batch in missing.to_batches(max_chunksize=1000))
    for _, group in groupby(rows, key=lambda row: row["case"]):
        yield list(group)


def _ended(record: Mapping[str, Any], table: pa.Table) -> int:
    """When the run ended, in milliseconds: that of a broken-off one with its last result."""
    if record["finished_at"]:
        return _milliseconds(record["finished_at"])
    last: datetime | None = pc.max(table["finished_at"]).as_py()
    return int(last.timestamp() * 1000) if last else _milliseconds(record["started_at"])


def _milliseconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
