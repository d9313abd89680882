"""Claims about models that give no answer."""

from __future__ import annotations

from dataclasses import dataclass

from harness import Claim, Paper, measured


@dataclass
class Wrong:
    """Says what is not a number."""

    def guess(self, values, context):
        return float("nan")


@dataclass
class Late:
    """Answers after a while."""

    def guess(self, values, context):
        import time

        time.sleep(0.3)
        return 0.0


def claim(name: str, model: object, seeds: int) -> Claim:
    """That a model is somewhere near."""
    cells = [{"tasks": ["guessing/guess"], "models": [model], "seeds": seeds}]
    return Claim(name, name, figure="none", criterion="error <= 100", cells=cells, check=measured("error").at_most(100))


claims = [
    claim("raises", {"guessing/naughty": {"how": "raise"}}, 2),
    claim("is-wrong", "failing/wrong", 2),
    claim("is-late", "failing/late", 60),
]

paper = Paper(title="Failures", year=2026, venue="tests", constructions=[Wrong, Late], claims=claims)
