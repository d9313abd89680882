"""What a report costs: `python benchmarks/report.py`.

Makes two runs synthetically, one of many rows (10^5) and one of many cells (10^4), and prints for each the CPU seconds
of the whole command, the size of the page beyond plotly's script, and how long a headless Chromium takes to load it and
to paint it first (needs playwright and chromium; without them these are left out).
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.store.rows import SCHEMA

MANY_ROWS = {"tasks": 10, "models": 20, "seeds": 50, "metrics": 10}
MANY_CELLS = {"tasks": 100, "models": 100, "seeds": 3, "metrics": 2}
MANY_TASKS = {"tasks": 1000, "models": 10, "seeds": 5, "metrics": 2}
RECORD = {
    "suite": {"name": "synthetic", "description": "Made by benchmarks/report.py", "path": "suites/synthetic.yaml"},
    "started_at": "2026-01-01T00:00:00+00:00",
    "finished_at": "2026-01-01T01:00:00+00:00",
    "interrupted": False,
    "workers": 2,
    "statuses": {},
    "provenance": {
        "commit": None,
        "dirty": None,
        "versions": {},
        "machine": {
            "cpu": "none",
            "cores": 1,
            "memory_gb": 1,
            "system": "none",
            "architecture": "none",
            "python": "3.11",
        },
    },
    "fingerprints": {},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print("| run | rows | cells | CPU s | MB beyond plotly | first paint ms | load ms | ready ms |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, sizes in (("many rows", MANY_ROWS), ("many cells", MANY_CELLS), ("many tasks", MANY_TASKS)):
            run = Path(folder, name.replace(" ", "-"))
            rows = write_run(run, **sizes)
            page = run / "report.html"
            seconds = min(
                cpu_seconds([sys.executable, "-m", "harness", "report", str(run)]) for _ in range(options.repeats)
            )
            beyond = (page.stat().st_size - plotly_size()) / 1e6
            times = " | ".join(browser_times(page, options.repeats))
            cells = sizes["tasks"] * sizes["models"]
            print(f"| {name} | {rows} | {cells} | {seconds:.2f} | {beyond:.2f} | {times} |")


def write_run(folder: Path, *, tasks: int, models: int, seeds: int, metrics: int) -> int:
    """Write the folder of a run with a row for every task, model, seed and metric; answer how many."""
    folder.mkdir()
    shape = (tasks, models, seeds, metrics)
    task, model, seed, metric = (axis.ravel() for axis in np.indices(shape))
    draw = np.random.default_rng(0)
    case = np.arange(tasks * models * seeds).repeat(metrics)
    quality = draw.lognormal(sigma=0.5, size=(tasks, models))[task, model]
    values = quality * draw.lognormal(sigma=0.1, size=task.size)
    seconds = draw.lognormal(size=tasks * models * seeds).repeat(metrics)

    def each(of: np.ndarray, text: Callable[[int], str]) -> list[str]:
        names = [text(index) for index in range(int(of.max()) + 1)]
        return [names[index] for index in of]

    columns = {
        "run": [folder.name] * task.size,
        "case": each(case, lambda index: f"case{index:016}"),
        "task": ["family/some-regression-task"] * task.size,
        "task_label": each(task, lambda index: f"family/some-regression-task(noise={index})"),
        "task_parameters": each(task, lambda index: json.dumps({"noise": index})),
        "model": each(model, lambda index: f"some-paper/construction-{index}"),
        "model_label": each(model, lambda index: f"some-paper/construction-{index}"),
        "model_parameters": ["{}"] * task.size,
        "role": each(model, lambda index: "construction" if index % 5 == 0 else "baseline"),
        "backend": ["cpu"] * task.size,
        "backend_label": ["cpu"] * task.size,
        "seed": seed,
        "scale": ["claim"] * task.size,
        "status": ["ok"] * task.size,
        "metric": each(metric, lambda index: f"metric-{index}"),
        "unit": ["1"] * task.size,
        "direction": ["lower"] * task.size,
        "value": values,
        "seconds": seconds,
        "peak_memory": (seconds * 1e7).astype(np.int64),
        "finished_at": [datetime(2026, 1, 1, tzinfo=UTC)] * task.size,
    }
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(task.size, field.type)
        for field in SCHEMA
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), folder / "results.parquet")
    (folder / "run.json").write_text(json.dumps({**RECORD, "run": folder.name, "cases": tasks * models * seeds}))
    return task.size


def cpu_seconds(command: list[str]) -> float:
    """User and system time of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def plotly_size() -> int:
    """Bytes of the script that every page has."""
    from plotly.offline import get_plotlyjs

    return len(get_plotlyjs().encode())


def browser_times(page: Path, repeats: int) -> tuple[str, ...]:
    """Milliseconds until the first paint with content, the load event, and the tables; the least of several."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return "-", "-", "-"
    from playwright.sync_api import sync_playwright

    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(repeats):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_selector("html[data-ready]")
            found.append(
                tab.evaluate(
                    "[performance.getEntriesByName('first-contentful-paint')[0].startTime,"
                    " performance.getEntriesByType('navigation')[0].loadEventEnd,"
                    " performance.getEntriesByName('ready')[0].startTime]"
                )
            )
            tab.close()
        browser.close()
    return tuple(f"{min(times):.0f}" for times in zip(*found, strict=True))


if __name__ == "__main__":
    main()
