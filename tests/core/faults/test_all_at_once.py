"""One run with many faults, from the command line to what people look at afterwards."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from .faults import FAULTS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # MLflow warns of what it uses itself
HOW = [
    "raises",
    "segfaults",
    "hangs",
    "allocates-slowly",
    "returns-nan",
    "exits",
    "floods-its-output",
    "leaves-a-daemon",
]


def test_faults_are_shown_wherever_results_are(harness, of, tmp_path) -> None:
    chosen = {fault.name: fault for fault in FAULTS if fault.name in HOW}
    models = ["guessing/mean", {"faulty/faulty": {"how": HOW}}]
    limits = {"time": "3 s", "memory": "300 MB"}
    suite = of(matrix=[{"tasks": ["guessing/guess"], "models": models, "metrics": ["error"]}], limits=limits)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"

    done = harness("run", str(suite), "-j", "2", MLFLOW_TRACKING_URI=uri)

    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    for status in ("2 crashed", "1 failed", "1 invalid", "2 ok", "1 out-of-memory", "1 timeout"):
        assert status in done.stdout
    rows = json.loads(harness("results", "--rows", "--json").stdout)
    assert {row["model_label"]: row["status"] for row in rows} == {
        "guessing/mean": "ok",
        **{f"faulty/faulty(how={name})": fault.status for name, fault in chosen.items()},
    }
    assert_the_report_has_them(harness, tmp_path, chosen)
    assert_mlflow_has_them(uri, chosen)


def assert_the_report_has_them(harness, folder, chosen) -> None:
    assert harness("report", "--output", str(folder / "page.html")).returncode == 0
    page = (folder / "page.html").read_text()
    packed = re.search(r'<script type="text/plain" id="data">([^<]*)</script>', page)[1]
    assert json.loads(gzip.decompress(base64.b64decode(packed)))["sections"]
    for fault in chosen.values():
        if fault.status != "ok":
            assert f">{fault.status}</span>" in page
    assert "SIGSEGV" in page
    assert "RuntimeError: on purpose" in page


def assert_mlflow_has_them(uri, chosen) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    (experiment,) = client.search_experiments(filter_string="name = 'harness/toy'")
    runs = [run for run in client.search_runs([experiment.experiment_id]) if "harness.case" in run.data.tags]
    found = {run.data.params.get("model.how"): (run.data.tags["status"], run.info.status) for run in runs}
    assert found == {
        None: ("ok", "FINISHED"),
        **{name: (fault.status, "FINISHED" if fault.status == "ok" else "FAILED") for name, fault in chosen.items()},
    }
