"""How long past its limit a hanging case lives: `python benchmarks/kill_latency.py --cases 50`.

Cases that hang in Python, hang in C with the GIL held, or ignore every signal that can be ignored, each with a limit of
half a second, one at a time and two at a time. The latency of a case is the time that the harness gives it, from the
moment its process is there to the moment that its end is known, beyond the limit.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from distributions import write_distribution

import harness

PAPER = '''"""Hangs (arXiv:0000.00005)."""

from __future__ import annotations

import ctypes
import signal
import time
from dataclasses import dataclass
from typing import ClassVar, Protocol

from harness import Context, Paper, Task, metric


@metric(unit="1", direction="lower")
def nothing(instance: None, outcome: None) -> float:
    """Nothing."""
    return 0.0


class Waiter(Protocol):
    def wait(self) -> None: ...


@dataclass
class Wait(Task[None, Waiter, None]):
    """Wait for ever."""

    protocol: ClassVar[type] = Waiter
    metrics: ClassVar = (nothing,)

    def instance(self, context: Context) -> None:
        return None

    def run(self, model: Waiter, instance: None, context: Context) -> None:
        model.wait()


@dataclass
class Hanging:
    """Waits in one of several ways."""

    how: str = "python"

    def wait(self) -> None:
        if self.how == "c":
            ctypes.PyDLL(None).sleep(1000)
        if self.how == "ignoring":
            for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
                signal.signal(number, signal.SIG_IGN)
            time.sleep(1000)
        while True:
            pass


paper = Paper(title="Wait", year=2026, venue="none", tasks=[Wait], baselines=[Hanging])
'''
SUITE = """
name: hanging
seeds: {seeds}
limits: {{time: 500 ms}}
matrix:
  - tasks: [hanging/wait]
    models: [{{hanging/hanging: {{how: {how}}}}}]
"""
LIMIT = 0.5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_distribution(folder, "hanging_papers", {"hanging": PAPER})
        sys.path.insert(0, str(folder))
        os.environ["PYTHONPATH"] = str(folder)
        for how in ("python", "c", "ignoring"):
            for jobs in (1, 2):
                latencies = sorted(measure(folder, how, options.cases, jobs))
                median, most = (1e3 * value for value in (statistics.median(latencies), latencies[-1]))
                figures = f"{median:.1f} ms median, {most:.1f} ms at most (load {os.getloadavg()[0]:.1f})"
                print(f"{how:<9} -j {jobs}: {len(latencies)} cases, {figures}", flush=True)


def measure(folder: Path, how: str, cases: int, jobs: int) -> list[float]:
    """Seconds past the limit, of each case."""
    suite = folder / "hanging.yaml"
    suite.write_text(SUITE.format(seeds=cases, how=how), encoding="utf-8")
    frame = harness.run(suite, store=folder / "runs", jobs=jobs, fresh=True).frame
    assert set(frame.status) == {"timeout"}, frame.status.tolist()
    return [seconds - LIMIT for seconds in frame.seconds]


if __name__ == "__main__":
    main()
