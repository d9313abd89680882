"""The speed gate on this machine, beside other work: `python benchmarks/speed_gate.py --gates 100 --load 2`.

Gates of the real thing: fresh processes of two servers, screening and re-test. On either side the same operation, or
one with a planted slow-down of 5 % or 10 % (more of the same arithmetic). Meanwhile `--load` busy loops compete for the
processors. Prints how many gates alarm, how many are inconclusive, and what a gate takes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.plan.planner import Modules
from harness.speed.check import SETTINGS, Pairs
from harness.speed.decision import Rule
from harness.speed.gate import Gate, Judged
from harness.stats.intervals import proportion_interval
from harness.timing.processes import Request

WORKLOAD = "harness.speed.planted:workload"


@contextlib.contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that do nothing else than compute."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def gate(pairs: Pairs, slow_down: float) -> Judged[float]:
    """One gate."""

    def measure(extra: float, again: bool) -> float | None:
        old, new = (Request(WORKLOAD, {"extra": one}) for one in (0.0, extra))
        return pairs.measure(old, new, SETTINGS, again=again)

    return Gate([slow_down], measure, Rule()).judge()[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gates", type=int, default=100, help="without a change")
    parser.add_argument("--planted", type=int, default=30, help="with each slow-down")
    parser.add_argument("--load", type=int, default=2, help="busy loops beside it")
    options = parser.parse_args()
    plan = [(0.0, options.gates), (0.05, options.planted), (0.10, options.planted)]
    with tempfile.TemporaryDirectory() as scratch, busy(options.load):
        for slow_down, count in plan:
            report(Path(scratch), slow_down, count)


def report(scratch: Path, slow_down: float, count: int) -> None:
    """Run so many gates and print what came of them."""
    verdicts: Counter[str] = Counter()
    seconds, ratios, used = [], [], []
    for _ in range(count):
        start = time.monotonic()
        with contextlib.closing(Pairs(Modules(), None, scratch)) as pairs:
            judged = gate(pairs, slow_down)
        seconds.append(time.monotonic() - start)
        verdicts[judged.verdict] += 1
        used.append(judged.pairs)
        if judged.ratio:
            ratios.append(judged.ratio.estimate)
    alarms = proportion_interval(verdicts["regression"], count)
    print(
        f"slow-down {slow_down:.0%}: {', '.join(f'{count} {name}' for name, count in verdicts.items())}; "
        f"alarms {alarms.estimate:.1%} [{alarms.low:.1%}, {alarms.high:.1%}]; "
        f"ratio {statistics.median(ratios):.4f} (of the gates {min(ratios):.3f} to {max(ratios):.3f}); "
        f"{statistics.median(seconds):.1f} s a gate (at most {max(seconds):.1f}), "
        f"{statistics.median(used):.0f} pairs (at most {max(used)}); load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
