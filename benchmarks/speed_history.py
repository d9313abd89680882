"""A planted slow-down in a repository of 20 commits, found by measuring: `python benchmarks/speed_history.py`.

Makes a scratch repository with a paper, commits twenty times, and lets one of the commits make the paper's operation
slower. At each commit `harness speed run` measures and `harness speed record` hands it to asv. Then `harness speed
history` and `asv publish` have to name the commit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from distributions import write_distribution

PAPER = '''"""Additions (arXiv:0000.00007)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from harness import Context, Operation, Paper, Task, metric

ROUNDS = {rounds}


@metric(unit="1", direction="lower")
def nothing(instance: int, outcome: int) -> float:
    """Nothing."""
    return 0.0


class Adds(Protocol):
    def add(self, count: int) -> int: ...


@dataclass
class Add(Task[int, Adds, int]):
    """Add numbers up."""

    protocol: ClassVar[type] = Adds
    metrics: ClassVar = (nothing,)
    operations: ClassVar = ("add",)

    def instance(self, context: Context) -> int:
        return 10_000

    def run(self, model: Adds, instance: int, context: Context) -> int:
        return model.add(instance)

    def operation(self, name: str, model: Adds, instance: int, context: Context) -> Operation:
        return Operation(lambda: model.add(instance))


@dataclass
class Steady:
    """Always the same."""

    def add(self, count: int) -> int:
        total = 0
        for number in range(count):
            total += number
        return total


@dataclass
class Changing:
    """What the commits change."""

    def add(self, count: int) -> int:
        total = 0
        for number in range(ROUNDS):
            total += number
        return total


paper = Paper(title="Add", year=2026, venue="none", tasks=[Add], constructions=[Changing], baselines=[Steady])
'''
SUITE = """name: adding
matrix:
  - tasks: [adding/add]
    models: [adding/steady, adding/changing]
"""
CONFIG = {
    "version": 1,
    "project": "adding",
    "repo": ".",
    "branches": ["HEAD"],
    "benchmark_dir": "suites",
    "results_dir": ".asv/results",
    "html_dir": ".asv/html",
}


class Scratch:
    """The repository."""

    def __init__(self, top: Path) -> None:
        self.top = top
        path = os.pathsep.join([str(top / "src"), os.environ.get("PYTHONPATH", "")])
        person = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        self._environment = {**os.environ, **person, "PYTHONPATH": path}
        (top / "suites" / "speed").mkdir(parents=True)
        (top / "suites" / "speed" / "adding.yaml").write_text(SUITE, encoding="utf-8")
        (top / "asv.conf.json").write_text(json.dumps(CONFIG), encoding="utf-8")
        (top / ".gitignore").write_text("reports/\n.asv/\n__pycache__/\n", encoding="utf-8")
        (top / "src").mkdir()
        self.call("git", "init", "-q")

    def call(self, *command: str) -> str:
        """What a command prints."""
        done = subprocess.run(command, cwd=self.top, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def commit(self, number: int, rounds: int) -> str:
        """Commit a version; its hash."""
        write_distribution(self.top / "src", "adding", {"adding": PAPER.format(rounds=rounds)})
        self.call("git", "add", ".")
        self.call("git", "commit", "-q", "--allow-empty", "-m", f"Change number {number}")
        return self.call("git", "rev-parse", "HEAD").strip()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=20)
    parser.add_argument("--slower-at", type=int, default=11, help="which of them, from 1")
    parser.add_argument("--slow-down", type=float, default=0.10, help="as a share")
    options = parser.parse_args()
    harness = [sys.executable, "-m", "harness", "speed"]
    with tempfile.TemporaryDirectory() as name:
        scratch = Scratch(Path(name))
        commits = []
        for number in range(1, options.commits + 1):
            slower = options.slow_down if number >= options.slower_at else 0.0
            commits.append(scratch.commit(number, round(10_000 * (1 + slower))))
            scratch.call(*harness, "run")
            scratch.call(*harness, "record")
        print(scratch.call(*harness, "history", "changing"))
        found = json.loads(scratch.call(*harness, "history", "--json"))
        scratch.call(sys.executable, "-m", "asv", "publish")
        regressions = json.loads((scratch.top / ".asv/html/regressions.json").read_text())
        report(found, regressions, commits, options.slower_at - 1)


def report(found: dict, regressions: dict, commits: list[str], planted: int) -> None:
    """Say who names the right commit."""
    for history in found["histories"]:
        named = [change["candidates"][-1]["commit"] for change in history["changes"]]
        expected = [commits[planted]] if "changing" in history["operation"] else []
        print(f"speed history, {history['operation']}: {'right' if named == expected else f'WRONG: {named}'}")
    print(f"asv publish (the planted one is its revision {planted}):")
    for name, *_, jumps in regressions["regressions"]:
        told = (f"at {revision}, from {old:.3g} to {new:.3g}" for _, revision, old, new in jumps)
        print(f"  {name}: {', '.join(told)}")


if __name__ == "__main__":
    main()
