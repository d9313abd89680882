"""Folders of runs as a report reads them, and a browser that reads reports."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.store.journal import Journal
from harness.store.rows import SCHEMA
from harness.store.store import JOURNAL

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "${alert(1)} {{7*7}} %{x} <b>bold</b>",
    "a\x1b[31m\x00b",
    "a\u202eb\u2028c",
]
MODELS = {"p/new": "construction", "b/old": "baseline", "b/slow": "baseline", "b/exact": "reference"}
RECORD = {
    "suite": {"name": "sizes", "description": "How error falls with size.", "path": "suites/sizes.yaml"},
    "started_at": "2026-01-01T00:00:00+00:00",
    "finished_at": "2026-01-01T00:10:00+00:00",
    "interrupted": False,
    "workers": 2,
    "statuses": {},
    "provenance": {
        "commit": "0123abcd",
        "dirty": True,
        "versions": {"numpy": "2.0"},
        "machine": {
            "cpu": "abacus",
            "cores": 2,
            "memory_gb": 8,
            "system": "Linux 6",
            "architecture": "x",
            "python": "3",
        },
    },
    "fingerprints": {},
}


def row(task: str, model: str, seed: int, /, **more: Any) -> dict[str, Any]:
    """A row of results."""
    return {
        "run": "run",
        "case": f"{task} {model} {seed}",
        "task": task.partition("(")[0],
        "task_label": task,
        "task_parameters": "{}",
        "model": model,
        "model_label": model,
        "model_parameters": "{}",
        "role": "baseline",
        "backend_label": "cpu",
        "scale": "claim",
        "seed": seed,
        "status": "ok",
        "metric": "error",
        "unit": "1",
        "direction": "lower",
        "value": 1.0,
        "seconds": 0.5,
        "peak_memory": 1000000,
        **more,
    }


def results(better: float = 2.0) -> list[dict[str, Any]]:
    """Three sizes of a task, four models, four seeds, with a curve; one case of `b/slow` failed."""
    draw = np.random.default_rng(0)
    found = []
    for size in (10, 100, 1000):
        for seed in range(4):
            base = draw.lognormal(sigma=0.2) / size**0.5
            for place, (model, role) in enumerate(MODELS.items()):
                value = base * draw.lognormal(sigma=0.02) * (1 if place else 1 / better)
                parameters = json.dumps({"size": size})
                common = {
                    "role": role,
                    "task_parameters": parameters,
                    "seconds": 0.1 + place,
                    "peak_memory": 10**6 + place,
                }
                if (model, size, seed) == ("b/slow", 10, 3):
                    lost = {
                        "status": "failed",
                        "metric": None,
                        "value": None,
                        "error": "it broke",
                        "traceback": "Trace\n  x",
                    }
                    found.append(row(f"f/task(size={size})", model, seed, **common, **lost))
                    continue
                found.append(row(f"f/task(size={size})", model, seed, **common, value=value))
                found += [
                    row(
                        f"f/task(size={size})", model, seed, **common,
                        metric="loss", value=value / step, coordinates=json.dumps({"step": step}),
                    )
                    for step in (1, 2, 4)
                ]  # fmt: skip
    return found


def data(text: str) -> dict[str, Any]:
    """What a page holds."""
    found = re.search(r'<script type="text/plain" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return unpacked(found[1])


def unpacked(text: str) -> Any:
    """What was packed."""
    return json.loads(gzip.decompress(base64.b64decode(text, validate=True)))


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Write the folder of a run: `write_run(rows, name="run", finished=True, **record)`."""

    def write(rows: list[dict[str, Any]], name: str = "run", *, finished: bool = True, **record: Any) -> Path:
        folder = tmp_path / "store" / name
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist([{**one, "run": name} for one in rows], schema=SCHEMA)
        content = {**RECORD, "run": name, "cases": len({one["case"] for one in rows}), **record}
        (folder / JOURNAL).unlink(missing_ok=True)
        if finished:
            pq.write_table(table, folder / "results.parquet")
        else:
            content["finished_at"] = None
            journal = Journal(folder / JOURNAL)
            for batch in table.to_batches():
                journal.append(batch)
            journal.close()
        (folder / "run.json").write_text(json.dumps(content))
        (folder / "suite.yaml").write_text("name: sizes\n")
        return folder

    return write


@pytest.fixture
def run_folder(write_run: Callable[..., Path]) -> Path:
    """The folder of a run with all that a report shows."""
    folder = write_run(results())
    (folder / "verdicts.json").write_text(json.dumps([claim("p/one", "held"), claim("p/two", "failed")]))
    return folder


def claim(name: str, verdict: str) -> dict[str, Any]:
    """A claim as `harness claims` writes it."""
    finding = {
        "what": "ratio",
        "verdict": verdict,
        "estimate": 0.5,
        "low": 0.4,
        "high": 0.6,
        "bound": "< 1",
        "margin": 0.5,
        "reason": "",
    }
    texts = {"statement": "It is better.", "figure": "Table 1", "criterion": "ratio below 1", "reason": "see findings"}
    return {"claim": name, "verdict": verdict, **texts, "findings": [finding], "cells": 4, "seconds": 1.5}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        said = "there is no chromium: `apt-get install chromium`"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()
