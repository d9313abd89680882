"""Every operation of the speed suites as a benchmark of asv: what a suite names is tracked without a line here.

`asv run --set-commit-hash HEAD --record-samples` measures one operation after the other, each with a server of
processes of its own. `harness speed run` needs one server for all and lets competitors take turns; `harness speed
record` then writes memory and throughput too.

asv imports this file at discovery and again for each operation, so nothing heavy is imported here, and it knows an
operation by its place in `params`: the suites must not change while it runs.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from asv_runner.benchmarks.mark import SkipNotImplemented

from harness.speed.suites import find_suites, read

ROOT = Path(__file__).resolve().parents[2]
SUITES = [ROOT / name for name in os.environ.get("HARNESS_SPEED_SUITES", "").split(os.pathsep) if name]
"""Paths, if given, relative to the repository; otherwise all of suites/speed."""
ROUNDS = 8
"""Fresh processes: with fewer than 7 beside 7 the test of `asv compare` cannot reach its level of 0.002."""
OPERATIONS = {
    str(planned.key): replace(suite, operations=(planned,))
    for suite in map(read, find_suites(SUITES, ROOT))
    for planned in suite.operations
}

params = [list(OPERATIONS)]
param_names = ["operation"]
unit = "seconds"
timeout = 600
version = "1"
"""asv's own would be a hash of the code below: each edit would hide the history."""


def track_seconds(operation: str) -> dict[str, object]:
    """The value of each process; asv takes what has this form for samples, and their median for the value."""
    from harness.speed.measure import run
    from harness.timing.rounds import Effort

    (measured,) = run(OPERATIONS[operation], effort=Effort(least_rounds=ROUNDS, most_rounds=ROUNDS)).operations
    if measured.outcome == "failed":
        raise RuntimeError(measured.error)
    if measured.outcome != "ok":
        print(measured.error)  # `asv run --show-stderr` shows it
        raise SkipNotImplemented(measured.error)
    return {"samples": [process.seconds for process in measured.processes], "number": 1}
