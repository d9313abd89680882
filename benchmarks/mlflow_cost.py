"""What logging to MLflow adds to the wall time of a run: `python benchmarks/mlflow_cost.py`.

200 cases that sleep for half a second, one at a time and two at a time, with and without MLflow (a fresh SQLite store).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from overhead import PAPER, environment, write_plugin

SUITE = """
name: sleepy
seeds: 200
matrix:
  - tasks: [trivial/trivial]
    models: [trivial/constant]
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="time of a case")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sleepy = PAPER.replace("return model.guess()", f"time.sleep({options.seconds})\n        return model.guess()")
        write_plugin(folder, sleepy.replace("from dataclasses", "import time\nfrom dataclasses", 1))
        suite = folder / "sleepy.yaml"
        suite.write_text(SUITE)
        for jobs in ("1", "2"):
            without = measure(folder, suite, jobs, "--no-mlflow")
            logged = measure(folder, suite, jobs)
            print(
                f"-j {jobs}: {without:.1f} s without, {logged:.1f} s with MLflow: {100 * (logged / without - 1):+.1f} %"
            )


def measure(folder: Path, suite: Path, jobs: str, *options: str) -> float:
    """Wall seconds of a run into a fresh store."""
    store = tempfile.mkdtemp(dir=folder)
    command = [sys.executable, "-m", "harness", "run", str(suite), "--store", store, "-j", jobs, *options]
    start = time.perf_counter()
    subprocess.run(command, env=environment(folder), check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
