"""The ratio of two equal operations, by several tools: `python benchmarks/speed_ratios.py --times 50 --load 2`.

The truth is 1. Each measurement starts from nothing, in new processes; the tools follow each other, so that all see the
same hour. `pyperf` has to be installed. Prints how often a tool is off by more than 2 %, its errors, and what a
measurement takes.

The operation, the exponential of 200,000 numbers, allocates its result: where that lies, the caches and the kernel's
pages make it as noisy as most of what one wants to time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from speed_gate import busy

from harness import timing
from harness.backends import Backend, Cpu
from harness.operations import Operation
from harness.stats.intervals import proportion_interval

SETUP = """
import numpy as np
x, y = np.random.default_rng(0).standard_normal((2, 200_000))
def a(): return np.exp(x)
def b(): return np.exp(y)
"""
NAIVE = """
import statistics, time
def naive(call):
    laps = []
    for _ in range(100):
        start = time.perf_counter(); call(); laps.append(time.perf_counter() - start)
    return statistics.median(laps)
print(naive(b) / naive(a))
"""
TORCH = """
from torch.utils.benchmark import Timer
def timed(call): return Timer("call()", globals={"call": call}).blocked_autorange().median
print(timed(b) / timed(a))
"""
PYPERF = """
import pyperf
runner = pyperf.Runner(processes=6, values=3, warmups=1)
runner.bench_func("a", a)
runner.bench_func("b", b)
"""


def exponential() -> tuple[Operation, Backend]:
    """The operation, for `harness.timing`."""
    import numpy as np

    x = np.random.default_rng(0).standard_normal(200_000)
    return Operation(lambda: np.exp(x)), Cpu()


def by_harness() -> float:
    """Rounds of fresh processes that take turns, with the defaults."""
    request = timing.Request("speed_ratios:exponential")
    ratio = timing.compare_fresh({"a": request, "b": request})["b"].ratio
    return ratio.estimate if ratio else float("nan")


def by_script(text: str) -> float:
    """A ratio that a script prints."""
    printed = subprocess.run([sys.executable, "-c", SETUP + text], capture_output=True, text=True, check=True).stdout
    return float(printed)


def by_pyperf() -> float:
    """The ratio of pyperf's means: six processes with three values each."""
    with tempfile.TemporaryDirectory() as name:
        script, results = Path(name, "bench.py"), Path(name, "results.json")
        script.write_text(SETUP + PYPERF, encoding="utf-8")
        subprocess.run([sys.executable, script, "-q", "-o", results], check=True, capture_output=True)
        a, b = (_mean(one) for one in json.loads(results.read_text())["benchmarks"])
    return b / a


def _mean(benchmark: dict[str, list[dict[str, list[float]]]]) -> float:
    return statistics.mean(value for run in benchmark["runs"] for value in run.get("values", []))


TOOLS: dict[str, Callable[[], float]] = {
    "harness.timing": by_harness,
    "torch.utils.benchmark": lambda: by_script(TORCH),
    "pyperf": by_pyperf,
    "median of 100 calls": lambda: by_script(NAIVE),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--load", type=int, default=2, help="busy loops beside it")
    options = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    errors: dict[str, list[float]] = {name: [] for name in TOOLS}
    seconds: dict[str, list[float]] = {name: [] for name in TOOLS}
    with busy(options.load):
        for _ in range(options.times):
            for name, tool in TOOLS.items():
                start = time.monotonic()
                errors[name].append(abs(tool() - 1))
                seconds[name].append(time.monotonic() - start)
        load = os.getloadavg()[0]
    print(f"load {load:.1f}, {options.times} measurements")
    print("| tool | within 2 % | median error | largest | seconds |\n|---|---|---|---|---|")
    for name in TOOLS:
        print(row(name, errors[name], seconds[name]))


def row(name: str, errors: list[float], seconds: list[float]) -> str:
    """A line of the table."""
    within = proportion_interval(sum(error <= 0.02 for error in errors), len(errors))
    share = f"{100 * within.estimate:.0f} % ({100 * within.low:.0f} to {100 * within.high:.0f})"
    middle, most = 100 * statistics.median(errors), 100 * max(errors)
    return f"| {name} | {share} | {middle:.2f} % | {most:.1f} % | {statistics.median(seconds):.1f} |"


if __name__ == "__main__":
    main()
