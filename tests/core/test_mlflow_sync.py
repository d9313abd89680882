"""An upload that breaks off anywhere is completed by the next: twice is once."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import harness
from harness.builtin.mlflow_process import Outcome
from harness.errors import DamagedError
from harness.store.journal import Journal
from harness.store.store import JOURNAL, TABLE, Store

CALLS = (
    "get_experiment_by_name",
    "create_experiment",
    "create_run",
    "search_runs",
    "log_batch",
    "set_terminated",
    "log_artifact",
)

pytestmark = pytest.mark.slow


class Lost(Exception):
    """A request, or its answer."""


class Server:
    """The part of MLflow that is used, in memory: points and parameters are kept once, as its databases keep them."""

    def __init__(self) -> None:
        self.runs: dict[str, Any] = {}
        self.experiments: list[str] = []
        self.requests: list[str] = []
        self.lose: tuple[int, bool] | None = None
        """Which request is lost, and whether only its answer is."""

    def client(self, tracking_uri: str) -> Any:
        return SimpleNamespace(**{name: self._request(getattr(self, f"_{name}")) for name in CALLS})

    def _request(self, action: Any) -> Any:
        def request(*arguments: Any, **options: Any) -> Any:
            self.requests.append(action.__name__)
            lost = self.lose is not None and self.lose[0] == len(self.requests) - 1
            if lost and not self.lose[1]:
                raise Lost
            answer = deepcopy(action(*arguments, **options))
            if lost:
                raise Lost
            return answer

        return request

    def _get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=name) if name in self.experiments else None

    def _create_experiment(self, name, artifact_location):
        self.experiments.append(name)
        return name

    def _create_run(self, experiment, *, start_time, tags):
        assert experiment in self.experiments
        key = f"run-{len(self.runs)}"
        info = SimpleNamespace(run_id=key, status="RUNNING", start_time=start_time, end_time=None)
        data = SimpleNamespace(tags=dict(tags), params={}, points=set(), files=set())
        self.runs[key] = SimpleNamespace(info=info, data=data)
        return self.runs[key]

    def _search_runs(self, experiments, filter_string, page_token):
        name = re.fullmatch(r"tags\.`harness\.run` = '(.*)'", filter_string)[1]
        found = [run for run in self.runs.values() if run.data.tags["harness.run"] == name]
        start = int(page_token or 0)
        page = Page(found[start : start + 2])
        page.token = str(start + 2) if start + 2 < len(found) else ""
        return page

    def _log_batch(self, key, *, metrics, params, tags):
        data = self.runs[key].data
        assert len(metrics) <= 1000
        assert len(params) + len(tags) <= 200
        data.points |= {(one.key, one.value, one.timestamp, one.step) for one in metrics}
        for one in params:
            assert data.params.setdefault(one.key, one.value) == one.value
        data.tags |= {one.key: one.value for one in tags}

    def _set_terminated(self, key, status, *, end_time):
        self.runs[key].info.status, self.runs[key].info.end_time = status, end_time

    def _log_artifact(self, key, path):
        self.runs[key].data.files.add(Path(path).name)

    def content(self) -> list[Any]:
        """Everything, whatever the order in which it came."""
        names = {key: run.data.tags.get("harness.case", "parent") for key, run in self.runs.items()}
        return sorted(
            repr(
                (
                    names[key],
                    names.get(run.data.tags.get("mlflow.parentRunId")),
                    sorted((name, value) for name, value in run.data.tags.items() if name != "mlflow.parentRunId"),
                    sorted(run.data.params.items()),
                    sorted(run.data.points),
                    sorted(run.data.files),
                    (run.info.status, run.info.start_time, run.info.end_time),
                )
            )
            for key, run in self.runs.items()
        )


class Page(list):
    """Of a search."""

    token = ""


@pytest.fixture(scope="module")
def upload() -> Iterator[Any]:
    """Upload a folder to a server."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from harness.builtin import mlflow_sync

    with pytest.MonkeyPatch.context() as patch:

        def start(folder: Path, server: Server, *, fresh: bool = False) -> Any:
            patch.setattr(mlflow_sync, "MlflowClient", server.client)
            return mlflow_sync.Upload(folder, "http://host", fresh=fresh)

        yield start


@pytest.fixture
def run(of, runs) -> Path:
    """A finished run of three cases, one of them failed."""
    models = ("guessing/mean", "guessing/shifted", {"guessing/naughty": {"how": "raise"}})
    return harness.run(of(*models), store=runs).directory


def test_twice_is_once(upload, run) -> None:
    server = Server()
    assert upload(run, server).finish() == Outcome(run.name, uploaded=3)
    once, requests = server.content(), len(server.requests)
    assert len(once) == 4
    assert upload(run, server).finish() == Outcome(run.name, known=3)
    assert server.content() == once
    assert set(server.requests[requests:]) == {"_get_experiment_by_name", "_search_runs"}


def test_a_fresh_run_costs_no_question(upload, run) -> None:
    server = Server()
    upload(run, server, fresh=True).finish()
    assert "_search_runs" not in server.requests
    asked = Server()
    upload(run, asked).finish()
    assert asked.content() == server.content()


@pytest.mark.parametrize("carried_out", [False, True], ids=["request", "answer"])
def test_whatever_is_lost_is_made_good(carried_out, upload, run) -> None:
    whole = Server()
    upload(run, whole).finish()
    assert len(whole.requests) > 15
    for index in range(len(whole.requests)):
        server = Server()
        server.lose = (index, carried_out)
        with pytest.raises(Lost):
            upload(run, server).finish()
        upload(run, server).finish()
        assert server.content() == whole.content(), f"request {index}: {whole.requests[index]}"


def test_a_run_is_followed_and_completed(upload, run, of, runs) -> None:
    """What is in the journal is uploaded as it comes; the end adds what is missing."""
    broken_off(run)
    server = Server()
    following = upload(run, server, fresh=True)
    following.catch_up()
    following.catch_up()
    assert len(server.runs) == 4
    assert following.finish() == Outcome(run.name, uploaded=3)


def test_a_run_that_was_broken_off_is_closed_with_its_last_result(upload, run) -> None:
    rows = broken_off(run)
    server = Server()
    assert upload(run, server).finish() == Outcome(run.name, uploaded=3)
    parent = server.runs["run-0"]
    assert parent.info.status == "KILLED"
    assert datetime.fromtimestamp(parent.info.end_time / 1000, UTC) == max(row["finished_at"] for row in rows)
    assert TABLE in parent.data.files
    assert {(name, value) for name, value, *_ in parent.data.points} == {("cases/ok", 2), ("cases/failed", 1)}


def test_a_reused_case_is_under_the_run_that_executed_it(upload, run, of, runs) -> None:
    models = ("guessing/mean", {"guessing/constant": {"value": 1.0}})
    second = harness.run(of(*models), store=runs).directory
    server = Server()
    assert upload(second, server).finish() == Outcome(second.name, uploaded=1)
    assert [one.data.tags.get("model") for one in server.runs.values()] == [None, "guessing/constant"]


def test_a_run_without_cases_of_its_own_is_not_uploaded(upload, run, of, runs) -> None:
    again = harness.run(of("guessing/mean"), store=runs).directory
    server = Server()
    assert upload(again, server).finish() == Outcome(again.name)
    assert server.runs == {}


def test_thousands_of_points_and_hundreds_of_verdicts_come_in_batches(upload, run) -> None:
    server = Server()
    parts = upload(run, server)
    parts.finish()
    points = [SimpleNamespace(key="loss", value=1.0, timestamp=0, step=step) for step in range(2500)]
    labels = [SimpleNamespace(key=f"claim.{index}", value="held") for index in range(250)]
    parts._log("run-0", points, [], labels)
    assert len(server.runs["run-0"].data.points) == 2500 + 2
    assert sum(name.startswith("claim.") for name in server.runs["run-0"].data.tags) == 250


def test_results_that_are_not_those_that_were_written_are_not_uploaded(upload, run) -> None:
    (run / "SHA256SUMS").write_text((run / "SHA256SUMS").read_text().translate(str.maketrans("0123", "1230")))
    server = Server()
    with pytest.raises(DamagedError, match=r"results\.parquet is damaged"):
        upload(run, server).finish()
    assert server.runs == {}


def broken_off(run: Path) -> list[dict[str, Any]]:
    """Make a run one that was killed after its last case; its rows."""
    table = Store(run.parent).table(run.name)
    journal = Journal(run / JOURNAL)
    for case in dict.fromkeys(table["case"].to_pylist()):
        (batch,) = table.filter([one == case for one in table["case"].to_pylist()]).combine_chunks().to_batches()
        journal.append(batch)
    journal.close()
    for name in (TABLE, "SHA256SUMS"):
        (run / name).unlink()
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "finished_at": None}))
    return table.to_pylist()
