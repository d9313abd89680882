"""`harness run --check-determinism` finds what depends on more than the case."""

from __future__ import annotations

import json

import pytest

from harness.store.store import Store

FICKLE = """
    import os, random, time
    from dataclasses import dataclass
    from harness import Paper
    from toy_papers.guessing import Constant

    @dataclass
    class Fickle(Constant):
        how: str = ""

        def guess(self, values, context):
            import numpy as np

            if self.how == "fresh memory":
                return float(np.empty(1000).view(np.uint8).astype(float).sum())
            if self.how == "much fresh memory":
                return float(np.empty(1 << 18).view(np.uint8).astype(float).sum())
            if self.how == "addresses":
                return float(id(values))
            if self.how == "environment":
                return float(len(os.environ.get("HARNESS_POLLUTION", "")) + hash(tuple(os.environ.values())) % 1000)
            if self.how == "clock":
                return time.time()
            if self.how == "entropy":
                return float(int.from_bytes(os.urandom(4), "little"))
            if self.how == "own generator":
                return float(np.random.default_rng().random())
            if self.how == "sometimes raises" and os.environ.get("HARNESS_POLLUTION") == "2":
                raise RuntimeError("not this time")
            return random.random() + float(np.random.random()) + float(context.rng.random()) + hash("a") % 7

    paper = Paper(title="Fickle", year=2026, venue="tests", baselines=[Fickle])
"""
HOWS = ["fresh memory", "much fresh memory", "addresses", "environment", "clock", "entropy", "own generator"]


@pytest.fixture
def checked(install, of, cli):
    install("fickle_papers", papers={"fickle": FICKLE})

    def check(*how: str, **keys):
        models = [{"fickle/fickle": {"how": list(how)}}, "guessing/noisy"]
        matrix = [{"tasks": ["guessing/guess"], "models": models, "metrics": ["error"]}]
        return cli("run", of(matrix=matrix, **keys), "--check-determinism", "--json")

    return check


@pytest.mark.parametrize("isolation", ["case", "shared"])
def test_what_is_not_deterministic_is_named(checked, isolation) -> None:
    done = checked(*HOWS, "", isolation=isolation)
    found = json.loads(done.stdout)
    assert [difference["case"].split(" · ")[1] for difference in found["differences"]] == [
        f"fickle/fickle(how={how})" for how in HOWS
    ]
    assert {difference["what"] for difference in found["differences"]} == {"error"}
    assert (done.exit_code, found["cases"]) == (3, len(HOWS) + 2)


def test_another_status_is_a_difference(checked) -> None:
    found = json.loads(checked("sometimes raises").stdout)
    (difference,) = found["differences"]
    assert (difference["what"], difference["first"], difference["second"]) == ("status", "ok", "failed")


def test_what_is_deterministic_passes(checked, runs) -> None:
    done = checked("", seeds=3)
    assert (done.exit_code, json.loads(done.stdout)["differences"]) == (0, [])
    assert json.loads(done.stdout)["runs"] == Store(runs).runs()


def test_in_words(of, cli) -> None:
    done = cli("run", of("guessing/mean"), "--check-determinism")
    assert done.exit_code == 0
    assert "cases that ran twice: 1, the same bits each time; results in " in done.stdout


def test_times_are_not_compared(install, of, cli) -> None:
    timed = """
    import time
    from dataclasses import dataclass
    from typing import ClassVar
    from harness import Paper, metric
    from toy_papers.guessing import Guess, error

    @metric(unit="s", direction="lower", timing=True)
    def moment(instance, outcome) -> float:
        "When it was."
        return time.time()

    @dataclass
    class Clocked(Guess):
        metrics: ClassVar = (error, moment)

    paper = Paper(title="Clocked", year=2026, venue="tests", tasks=[Clocked])
    """
    install("clocked_papers", papers={"clocked": timed})
    done = cli("run", of("guessing/mean", tasks=["clocked/clocked"]), "--check-determinism", "--json")
    assert (done.exit_code, json.loads(done.stdout)["differences"]) == (0, [])
