"""Kill a run at random moments and look for what is lost: `python benchmarks/power_cuts.py --cuts 100 --seed 0`.

Each time a run of forty cases with two workers starts in an empty store, its process group is killed (SIGKILL, as a
power cut would) at a moment drawn between its start and its end, and the same command is run again. Checked is that

- every case of which the run had said that it is finished is in the store, and no case is there twice;
- the store opens, `harness results --check` finds no damage, and no process of the run is left;
- the second run executes what the first had not finished and nothing else;
- its metrics are, bit for bit, those of a run that nothing disturbed.

A run says that a case is finished through a plugin, which is told after the store, and which appends to a file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributions import write_distribution

from harness.store.store import Store

PAPER = '''"""A walk at random (arXiv:0000.00004)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Protocol

from harness import Along, Context, Paper, Task, metric


@metric(unit="1", direction="lower")
def end(instance: float, path: list[float]) -> float:
    """Where it ends."""
    return path[-1]


@metric(unit="1", direction="lower")
def way(instance: float, path: list[float]) -> Along:
    """Where it is."""
    return Along(path, step=range(len(path)))


class Walker(Protocol):
    def walk(self, start: float, context: Context) -> list[float]: ...


@dataclass
class Walk(Task[float, Walker, list[float]]):
    """Walk."""

    protocol: ClassVar[type] = Walker
    metrics: ClassVar = (end, way)

    def instance(self, context: Context) -> float:
        return float(context.rng.normal())

    def run(self, model: Walker, instance: float, context: Context) -> list[float]:
        return model.walk(instance, context)


@dataclass
class Slow:
    """Steps of normal length, with a rest."""

    scale: float = 1.0

    def walk(self, start: float, context: Context) -> list[float]:
        time.sleep(0.1)
        return (start + self.scale * context.rng.normal(size=20).cumsum()).tolist()


paper = Paper(title="Walk", year=2026, venue="none", tasks=[Walk], baselines=[Slow])
'''
WITNESS = '''"""Writes down which cases are finished."""

import os

from harness import hookimpl


@hookimpl
def harness_case_finished(case, result):
    descriptor = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{case.id} {result.reused_from or 'here'}\\n".encode())
    os.close(descriptor)
'''
SUITE = """
name: cut
seeds: 10
matrix:
  - tasks: [walk/walk]
    models: [{walk/slow: {scale: [0.5, 1.0, 2.0, 4.0]}}]
"""
CASES = 40
_MARK = "HARNESS_POWER_CUT"


@dataclass(frozen=True)
class Cut:
    """What came of one power cut."""

    after_seconds: float
    finished: int
    """Cases that the broken-off run had reported."""
    problems: list[str]


def main() -> int:
    """Cut and look; the exit code says whether anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cuts = power_cuts(options.cuts, options.seed)
    for cut in cuts:
        for problem in cut.problems:
            print(f"cut after {cut.after_seconds:.3f} s: {problem}")
    finished = Counter(cut.finished for cut in cuts)
    print(f"{len(cuts)} cuts, {sum(not cut.problems for cut in cuts)} with nothing lost")
    print(f"cases finished at the cut: {min(finished)} to {max(finished)}", end="")
    print(f", none in {finished[0]} of the cuts, all in {finished[CASES]}")
    return int(any(cut.problems for cut in cuts))


def power_cuts(count: int, seed: int) -> list[Cut]:
    """Break off so many runs at moments that the seed determines, as fractions of an undisturbed run's time."""
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_distribution(folder, "walking", {"walk": PAPER}, hooks=WITNESS)
        (folder / "cut.yaml").write_text(SUITE, encoding="utf-8")
        start = time.perf_counter()
        expected = metrics(undisturbed(folder))
        whole = time.perf_counter() - start
        return [cut(folder, moments.uniform(0, whole), expected) for _ in range(count)]


def undisturbed(folder: Path) -> Path:
    """The store of a run that nobody disturbs."""
    store = folder / "undisturbed"
    subprocess.run(command(folder, store), env=environment(folder, folder / "unread"), check=True, capture_output=True)
    return store


def cut(folder: Path, seconds: float, expected: Mapping[tuple[Any, ...], float]) -> Cut:
    """Start a run, kill it after so many seconds, run it again, and compare."""
    store, mark = folder / uuid.uuid4().hex, uuid.uuid4().hex
    witness, again = store.with_suffix(".cut"), store.with_suffix(".again")
    process = subprocess.Popen(
        command(folder, store),
        env=environment(folder, witness) | {_MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = [line.split()[0] for line in lines(witness)]
    problems = [*lost(store, finished), *left(mark)]
    second = subprocess.run(command(folder, store), env=environment(folder, again), capture_output=True, check=False)
    if second.returncode:
        problems.append(f"the second run ended with {second.returncode}: {second.stderr.decode()[-300:]}")
    known = {line.split()[0] for line in lines(again) if line.split()[1] != "here"}
    ran = [line.split()[0] for line in lines(again) if line.split()[1] == "here"]
    if not set(finished) <= known:
        problems.append(f"{len(set(finished) - known)} finished cases ran again")
    if len(ran) + len(known) != CASES or len(set(ran)) != len(ran):
        problems.append(f"the second run executed {len(ran)} and reused {len(known)} of {CASES}")
    if metrics(store) != expected:
        problems.append("the metrics differ from those of an undisturbed run")
    check = subprocess.run(
        [sys.executable, "-m", "harness", "results", "--check", "--json", "--store", str(store)],
        capture_output=True,
        check=False,
    )
    problems += [
        f"harness results --check: {problem['file']} {problem['what']}"
        for problem in json.loads(check.stdout)["problems"]
        if "broken off" not in problem["what"]  # so much may be said: it was
    ]
    return Cut(seconds, len(finished), problems)


def lost(root: Path, finished: list[str]) -> list[str]:
    """What is wrong with the store of a run that was killed."""
    store = Store(root)
    rows = [row for run in store.runs() for row in store.table(run, ["case", "coordinates"]).to_pylist()]
    there = [row["case"] for row in rows if not row["coordinates"]]
    problems = []
    if missing := set(finished) - set(there):
        problems.append(f"{len(missing)} finished cases are not in the store")
    if len(set(there)) != len(there):
        problems.append("a case is in the store twice")
    return problems


def left(mark: str) -> list[str]:
    """The processes of a killed run that are still there after ten seconds."""
    for _ in range(100):
        if not (living := list(marked(mark))):
            return []
        time.sleep(0.1)
    return [f"process {name} is left" for name in living]


def marked(mark: str) -> list[str]:
    """The processes whose environment has the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
    return found


def metrics(root: Path) -> dict[tuple[Any, ...], float]:
    """Every value of the last run of a store, by what it is the value of."""
    store = Store(root)
    rows = store.table(store.find(None)).to_pylist()
    return {(row["case"], row["metric"], row["coordinates"]): row["value"] for row in rows}


def lines(path: Path) -> list[str]:
    """The whole lines of a file, if it is there."""
    return [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")] if path.exists() else []


def command(folder: Path, store: Path) -> list[str]:
    """The run."""
    suite = folder / "cut.yaml"
    return [sys.executable, "-m", "harness", "run", str(suite), "--store", str(store), "--no-mlflow", "-j", "2"]


def environment(folder: Path, witness: Path) -> dict[str, str]:
    """The environment in which the plugins are found."""
    return {**os.environ, "PYTHONPATH": str(folder), "WITNESS": str(witness)}


if __name__ == "__main__":
    sys.exit(main())
