"""Runs that lie in MLflow, as `mlflow:NAME`: `python -m harness.builtin.mlflow_source NAME FOLDER` fetches one.

It runs in a process of its own, as the logging does: what MLflow prints, warns of and changes stays there.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.builtin.mlflow_process import environment, reason, shown, tracking_uri
from harness.errors import HarnessError
from harness.hookspecs import hookimpl
from harness.store.store import RECORD, TABLE

_PREFIX = "mlflow:"
_ABSENT = 3
"""The exit status that says that there is no such run."""


class MlflowSource:
    """Answers references such as `mlflow:20260101-120000-suite` or `mlflow:RUN_ID`."""

    @hookimpl
    def harness_find_run(self, reference: str, store: Path) -> Path | None:
        """Fetch the suite, the record and the results of a run that was logged to MLflow."""
        if not reference.startswith(_PREFIX):
            return None
        name, uri = reference.removeprefix(_PREFIX), tracking_uri(store)
        database = Path(uri.removeprefix("sqlite:///"))
        if uri.startswith("sqlite:") and not database.is_file():
            raise HarnessError(
                f"{reference}: there is no {database}; MLFLOW_TRACKING_URI names another tracking server"
            )
        folder = Path(tempfile.mkdtemp(prefix="harness-mlflow-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        ran = subprocess.run(
            [sys.executable, "-m", "harness.builtin.mlflow_source", name, str(folder)],
            env=environment(store),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if ran.returncode == _ABSENT:
            raise HarnessError(
                f"{reference}: MLflow at {shown(uri, uri)} has no such run; give a harness run's name or an MLflow id"
            )
        if ran.returncode:
            last = ran.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise HarnessError(f"{reference}: MLflow at {shown(uri, uri)} did not give the run: {last}")
        if not all((folder / needed).is_file() for needed in (RECORD, TABLE)):
            raise HarnessError(f"{reference}: the run has no results in MLflow (it was not logged to its end)")
        return folder


def main() -> int:
    """Fetch the artifacts of the run into the folder."""
    name, folder = sys.argv[1:]
    uri = os.environ["MLFLOW_TRACKING_URI"]
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    run = _find(MlflowClient(tracking_uri=uri), name)
    if run is None:
        return _ABSENT
    download_artifacts(
        run_id=run.data.tags.get("mlflow.parentRunId", run.info.run_id), dst_path=folder, tracking_uri=uri
    )
    return 0


def _find(client: Any, name: str) -> Any:
    """The run of a name or an id."""
    from mlflow.exceptions import MlflowException

    experiments = [one.experiment_id for one in client.search_experiments(filter_string="name LIKE 'harness/%'")]
    quoted = name.replace("'", "")  # no run's name has one
    found = client.search_runs(experiments, f"attributes.run_name = '{quoted}'", max_results=1) if experiments else []
    if found:
        return found[0]
    try:
        return client.get_run(name)
    except MlflowException:
        return None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # noqa: BLE001 - the command shows the last line
        sys.exit(reason(error, os.environ["MLFLOW_TRACKING_URI"]))
