"""What a trivial case costs: `python benchmarks/overhead.py [--benchopt PYTHON]`.

10 problems x 10 models x 10 seeds that do nothing, run by the harness in several ways and, if the interpreter of an
environment with benchopt is given, by benchopt too, all in the same hour on the same machine. CPU is user and system
time of the whole process tree; the marginal cost is the slope between 100 and 1000 cases, free of the start-up.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from distributions import write_distribution

PAPER = '''"""A problem that is no problem (arXiv:0000.00000)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from harness import Context, Paper, Task, metric


@metric(unit="1", direction="lower")
def error(instance: float, guess: float) -> float:
    """How far off the guess is."""
    return abs(guess - instance)


class Guesser(Protocol):
    def guess(self) -> float: ...


@dataclass
class Trivial(Task[float, Guesser, float]):
    """Guess the size."""

    size: int = 1
    protocol: ClassVar[type] = Guesser
    metrics: ClassVar = (error,)

    def instance(self, context: Context) -> float:
        return float(self.size)

    def run(self, model: Guesser, instance: float, context: Context) -> float:
        return model.guess()


@dataclass
class Constant:
    """Always the same."""

    value: int = 1

    def guess(self) -> float:
        return float(self.value)


paper = Paper(title="Trivial", year=2026, venue="none", tasks=[Trivial], baselines=[Constant])
'''
TORCH_PAPER = '''"""A model whose processes have torch (arXiv:0000.00001)."""

from dataclasses import dataclass

from harness import Paper


@dataclass
class Constant:
    """Always the same."""

    value: int = 1

    def guess(self) -> float:
        import torch

        return float(self.value)


paper = Paper(title="Trivial with torch", year=2026, venue="none", baselines=[Constant])
'''
SUITE = """
name: trivial
seeds: {seeds}
isolation: {isolation}
matrix:
  - tasks: [{{trivial/trivial: {{size: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}}}]
    models: [{{{model}/constant: {{value: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}}}}]
"""
OBJECTIVE = """
from benchopt import BaseObjective

class Objective(BaseObjective):
    name = "trivial"
    sampling_strategy = "run_once"

    def set_data(self, size):
        self.size = size

    def get_one_result(self):
        return dict(guess=0.0)

    def evaluate_result(self, guess):
        return dict(value=abs(guess - self.size))

    def get_objective(self):
        return dict(size=self.size)
"""
DATASET = """
from benchopt import BaseDataset

class Dataset(BaseDataset):
    name = "sizes"
    parameters = {"size": list(range(1, 11))}

    def get_data(self):
        return dict(size=self.size)
"""
SOLVER = """
from benchopt import BaseSolver

class Solver(BaseSolver):
    name = "constant"
    sampling_strategy = "run_once"
    parameters = {"value": list(range(1, 11))}

    def set_objective(self, size):
        pass

    def run(self, _):
        pass

    def get_result(self):
        return dict(guess=float(self.value))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchopt", help="interpreter of an environment that has benchopt")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_plugin(folder)
        ways = {
            "harness, cases share processes": harness(folder, "shared", "trivial", "1"),
            "harness, a process per case": harness(folder, "case", "trivial", "1"),
            "harness, a process per case, -j 2": harness(folder, "case", "trivial", "2"),
            "harness, a process with torch per case": harness(folder, "case", "trivial-torch", "1"),
            "harness, a process with torch per case, -j 2": harness(folder, "case", "trivial-torch", "2"),
        }
        if options.benchopt:
            ways["benchopt, one process for all"] = benchopt(folder, options.benchopt)
        for way, commands in ways.items():
            small, large = (best(command, folder, options.repeats) for command in commands)
            marginal = (large["cpu_s"] - small["cpu_s"]) / 900 * 1e3
            rows.append({"way": way, **large, "marginal_cpu_ms": round(marginal, 2), "load": os.getloadavg()[0]})
            if not options.json:
                print("{way:<46} 1000 cases: {wall_s:6.2f} s wall {cpu_s:6.2f} s CPU".format(**rows[-1]), end="")
                print(f", {marginal:6.2f} ms CPU a case (load {rows[-1]['load']:.1f})", flush=True)
    if options.json:
        print(json.dumps(rows, indent=2))


def harness(folder: Path, isolation: str, model: str, jobs: str) -> list[list[str]]:
    """The commands for 100 and for 1000 cases."""
    commands = []
    for seeds in (1, 10):
        suite = folder / f"{isolation}-{model}-{seeds}.yaml"
        suite.write_text(SUITE.format(seeds=seeds, isolation=isolation, model=model), encoding="utf-8")
        commands.append([sys.executable, "-m", "harness", "run", str(suite), "--no-mlflow", "--fresh", "-j", jobs])
    return commands


def benchopt(folder: Path, interpreter: str) -> list[list[str]]:
    """The same for benchopt: repetitions stand for seeds, its cache is off."""
    problem = folder / "benchmark"
    for path, text in (
        ("objective.py", OBJECTIVE),
        ("datasets/sizes.py", DATASET),
        ("solvers/constant.py", SOLVER),
    ):
        (problem / path).parent.mkdir(parents=True, exist_ok=True)
        (problem / path).write_text(text)
    command = [interpreter, "-m", "benchopt", "run", str(problem), "--no-plot", "--no-cache", "-r"]
    return [[*command, "1"], [*command, "10"]]


def best(command: Sequence[str], folder: Path, repeats: int) -> dict[str, float]:
    """The least CPU and wall time of some runs: everything that disturbs adds."""
    samples = [measure(command, folder) for _ in range(repeats)]
    return {"wall_s": min(wall for wall, _ in samples), "cpu_s": min(cpu for _, cpu in samples)}


def measure(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command and all its children."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment(folder), check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environment(folder: Path) -> dict[str, str]:
    """The environment in which the plugin is found."""
    return {**os.environ, "PYTHONPATH": str(folder)}


def write_plugin(folder: Path, paper: str = PAPER) -> None:
    """A distribution with the trivial paper."""
    write_distribution(folder, "trivial_papers", {"trivial": paper, "trivial_torch": TORCH_PAPER})


if __name__ == "__main__":
    main()
