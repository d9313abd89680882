"""Guess a number (arXiv:0000.00000)."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from harness import Along, Claim, Context, InvalidOutcomeError, Paper, Task, measured, metric

from ._models import Shifted


@dataclass(frozen=True)
class Numbers:
    values: tuple[float, ...]


@metric(unit="1", direction="lower")
def error(instance: Numbers, guess: float) -> float:
    """How far the guess is from the mean."""
    return abs(guess - sum(instance.values) / len(instance.values))


@metric(unit="1", direction="lower")
def error_curve(instance: Numbers, guess: float) -> Along:
    """The error against each number."""
    return Along([abs(guess - value) for value in instance.values], position=range(len(instance.values)))


@metric(unit="1", direction="higher")
def reciprocal(instance: Numbers, guess: float) -> float:
    """Not finite for a guess of zero."""
    return 1 / guess if guess else float("inf")


class Guesser(Protocol):
    def guess(self, values: Sequence[float], context: Context) -> float:
        """A number close to all of them."""


@dataclass
class Guess(Task[Numbers, Guesser, float]):
    """Guess the mean of random numbers."""

    size: int = 8
    """How many numbers."""
    spread: float = 1.0
    """Their standard deviation."""
    widths: tuple[int, ...] = (1,)
    """A parameter that is a sequence."""

    protocol: ClassVar[type] = Guesser
    metrics: ClassVar = (error, error_curve, reciprocal)
    scales: ClassVar = {"smoke": {"size": 3}}

    def instance(self, context: Context) -> Numbers:
        return Numbers(tuple(float(value) for value in context.rng.normal(0, self.spread, self.size)))

    def run(self, model: Guesser, instance: Numbers, context: Context) -> float:
        with context.phase("guess"):
            answer = model.guess(instance.values, context)
        if not isinstance(answer, float):
            raise InvalidOutcomeError(f"a guess is a float, not {type(answer).__name__}")
        return answer


@dataclass
class TimedGuess(Guess):
    """The same, as a task whose speed is measured."""

    timed: ClassVar[bool] = True


@dataclass
class Mean:
    """The mean itself."""

    def guess(self, values, context):
        return sum(values) / len(values)


@dataclass
class Constant:
    """Always the same guess."""

    value: float = 0.0
    """The guess."""
    mode: Literal["plain", "negated"] = "plain"
    """Whether to change its sign."""
    count: int | None = None
    """Unused, but typed."""

    def guess(self, values, context):
        return float(self.value if self.mode == "plain" else -self.value)


@dataclass
class Noisy:
    """The mean with noise of the model's own."""

    def guess(self, values, context):
        import random

        return sum(values) / len(values) + float(context.rng.normal()) + random.random()


@dataclass
class Naughty:
    """Misbehaves as told."""

    how: str = "raise"

    def guess(self, values, context):
        if self.how == "raise":
            raise RuntimeError("on purpose")
        if self.how == "exit":
            os._exit(7)
        if self.how == "segfault":
            import ctypes

            ctypes.string_at(0)
        if self.how == "hang":
            print("about to hang", flush=True)
            if os.fork() == 0:
                time.sleep(1000)
            time.sleep(1000)
        if self.how == "memory":
            return float(len(bytearray(1 << 33)))
        if self.how == "type":
            return "a string"
        if self.how == "nan":
            return float("nan")
        if self.how == "sleep":
            time.sleep(0.3)
        return 0.0


@dataclass
class Mute:
    """Implements nothing."""


@dataclass
class Picky:
    """Needs what the protocol does not give."""

    def guess(self, values, context, extra):
        return 0.0


paper = Paper(
    title="Guess a number",
    year=2026,
    venue="tests",
    arxiv="0000.00000",
    tasks=[Guess, TimedGuess],
    constructions=[Mean, Shifted],
    baselines=[Constant, Noisy, Naughty, Mute, Picky],
    claims=[
        Claim(
            "mean-wins",
            "The mean is best",
            "0, section 1",
            "error = 0",
            ({"tasks": ["guessing/guess"], "models": ["guessing/mean"], "seeds": 3},),
            measured("error", "guessing/mean").each().equals(0),
        )
    ],
)
