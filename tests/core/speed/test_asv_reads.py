"""That asv reads what the harness writes, and measures the same benchmarks itself."""

from __future__ import annotations

import json
import math
import random
import re
import runpy
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asv_runner.benchmarks.mark import SkipNotImplemented

from harness.builtin.asv_tree import record
from harness.speed.record import OperationKey, Outcome

from .asv_repository import FINGERPRINT, ROOT, Repository, make, measured, operation, speed_run, values

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path)


def history(repository: Repository, commits: int, seconds: Callable[[int, str], float], **more: Any) -> list[str]:
    """Record so many commits of two operations: ten processes each, with 1 % of noise."""
    rng = random.Random(0)
    hashes = []
    for number in range(commits):
        hashes.append(repository.commit())
        operations = [
            measured(name, [seconds(number, name) * math.exp(rng.gauss(0, 0.01)) for _ in range(10)], items=1000)
            for name in ("mean", "median")
        ]
        record(repository.config, speed_run(hashes[-1], *operations, **more))
    return hashes


def marks(table: str) -> dict[tuple[str, str], str]:
    """The first column of what `asv compare` prints, by benchmark and model."""
    rows = [line.split("|") for line in table.splitlines() if "speed.track" in line]
    named = [(re.search(r"speed\.track_(\w+)\('guess · forward · (\w+)", row[-2]), row[1].strip()) for row in rows]
    return {(match[1], match[2]): mark for match, mark in named if match}


class TestAsvReadsIt:
    def test_a_step_across_twenty_commits(self, repository: Repository) -> None:
        commits = history(
            repository, 20, lambda number, name: 1.15e-3 if (name, number >= 10) == ("mean", True) else 1e-3
        )
        found = marks(repository.asv("compare", commits[9], commits[10], "--factor", "1.05"))
        assert found == {
            ("seconds", "mean"): "+",
            ("inverse_throughput", "mean"): "+",
            ("peak_memory", "mean"): "",
            ("seconds", "median"): "",
            ("inverse_throughput", "median"): "",
            ("peak_memory", "median"): "",
        }
        shown = repository.asv("show", commits[10])
        assert "speed.track_seconds" in shown
        assert re.search(r"mean · cpu +1\.1\d±0", shown)
        assert "s/item" in (repository.tree / "benchmarks.json").read_text()
        repository.asv("publish")
        published = json.loads((repository.folder / ".asv/html/regressions.json").read_text())["regressions"]
        assert {(name.partition("(")[0], tuple(jump[:2])) for name, *_, (jump,) in published} == {
            ("speed.track_seconds", (None, 11)),
            ("speed.track_inverse_throughput", (None, 11)),
        }
        assert all(operation("mean") in name for name, *_ in published)
        index = json.loads((repository.folder / ".asv/html/index.json").read_text())
        assert index["revision_to_hash"]["11"] == commits[10]

    def test_a_faster_version_reads_as_an_improvement(self, repository: Repository) -> None:
        commits = history(repository, 2, lambda number, _: 1e-3 / (1 + number))
        found = marks(repository.asv("compare", *commits))
        assert {quantity for (quantity, _), mark in found.items() if mark == "-"} == {"seconds", "inverse_throughput"}
        assert "+" not in found.values()

    def test_what_differs_by_noise_alone_is_not_marked(self, repository: Repository) -> None:
        commits = history(repository, 2, lambda *_: 1e-3)
        assert set(marks(repository.asv("compare", *commits, "--factor", "1.001")).values()) == {""}

    def test_an_operation_that_is_added_leaves_the_others_as_they_were(self, repository: Repository) -> None:
        first, second = repository.commit(), repository.commit()
        record(repository.config, speed_run(first, measured("mean", [1.0] * 7)))
        before = repository.asv("show", first)
        record(repository.config, speed_run(second, measured("added", [2.0] * 7), measured("mean", [3.0] * 7)))
        found = repository.asv("compare", first, second)
        assert re.search(r"\+ .*1\.00.*3\.00.*3\.00.*mean", found)
        assert re.search(r"n/a .*2\.00.*n/a.*added", found)
        assert re.search(r"mean · cpu +1\.00", before)
        assert re.search(r"mean · cpu +1\.00", repository.asv("show", first))

    def test_a_failure_is_told(self, repository: Repository) -> None:
        first, second = repository.commit(), repository.commit()
        record(repository.config, speed_run(first, measured("mean", [1.0] * 7), measured("median", [1.0] * 7)))
        record(repository.config, speed_run(second, measured("mean", None, "failed"), measured("median", [1.0] * 7)))
        found = marks(repository.asv("compare", first, second))
        assert (found["seconds", "mean"], found["seconds", "median"]) == ("!", "")

    def test_machines_have_graphs_of_their_own(self, repository: Repository) -> None:
        commits = history(repository, 2, lambda *_: 1e-3)
        for commit in commits:
            elsewhere = {**FINGERPRINT, "cpu": "Slide Rule"}
            record(repository.config, speed_run(commit, measured("mean", [5.0]), fingerprint=elsewhere))
        repository.asv("publish")
        index = json.loads((repository.folder / ".asv/html/index.json").read_text())
        assert sorted(machine["cpu"] for machine in index["machines"].values()) == ["Abacus 9000 (fast)", "Slide Rule"]
        assert len(index["graph_param_list"]) == 2


@pytest.fixture
def benchmarks(repository: Repository) -> Repository:
    """A repository with the benchmark module and a suite of toys."""
    shutil.copytree(ROOT / "benchmarks" / "asv_benchmarks", repository.folder / "benchmarks" / "asv_benchmarks")
    suite = {"name": "toy", "matrix": [{"tasks": ["racing/sum"], "models": ["racing/loop", "racing/builtin"]}]}
    (repository.folder / "suites" / "speed").mkdir(parents=True)
    (repository.folder / "suites" / "speed" / "toy.yaml").write_text(json.dumps(suite))
    repository.asv("machine", "--yes")
    return repository


class TestBenchmarks:
    LOOP, BUILTIN = (f"racing/sum · total · racing/{model} · cpu" for model in ("loop", "builtin"))

    def test_are_those_that_are_written(self, benchmarks: Repository, toys: Path) -> None:
        benchmarks.asv("run", "--bench", "just-discover", ASV_PYTHONPATH=str(toys))
        (found,) = benchmarks.known().values()
        assert found["params"] == [[repr(self.LOOP), repr(self.BUILTIN)]]
        key = OperationKey("racing/sum", "total", "racing/builtin", "cpu")
        run = speed_run(benchmarks.commit(), replace(measured("", [1.0]), key=key))
        record(benchmarks.config, run)
        assert benchmarks.known()["speed.track_seconds"] == found

    def test_measure(self, benchmarks: Repository, toys: Path) -> None:
        """On a busy machine a value may be NaN: too noisy to be one."""
        command = ("run", "--set-commit-hash", "HEAD", "--record-samples", "--bench", "builtin")
        benchmarks.asv(*command, ASV_PYTHONPATH=str(toys))
        (file,) = benchmarks.tree.glob("*/*-existing-*.json")
        found = values(file)
        assert math.isnan(found[self.LOOP])  # not selected
        assert math.isnan(found[self.BUILTIN]) or 0 < found[self.BUILTIN] < 1

    @pytest.mark.parametrize("outcome", ["ok", "failed", "noisy", "skipped"])
    def test_tell_asv_how_it_went(
        self, benchmarks: Repository, toys: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
    ) -> None:
        monkeypatch.setenv("HARNESS_SPEED_SUITES", str(benchmarks.folder / "suites" / "speed" / "toy.yaml"))
        module = runpy.run_path(str(ROOT / "benchmarks" / "asv_benchmarks" / "speed.py"))
        measure = module["track_seconds"]
        made = replace(measured("", [1.0, 2.0], outcome), error="so it went")
        monkeypatch.setattr("harness.speed.measure.run", lambda suite, effort: speed_run(None, made))
        if outcome == "ok":
            assert measure(self.LOOP) == {"samples": [1.0, 2.0], "number": 1}
            return
        with pytest.raises(RuntimeError, match="so it went") as raised:
            measure(self.LOOP)
        assert isinstance(raised.value, SkipNotImplemented) == (outcome != "failed")
