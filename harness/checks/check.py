"""Checks: what evidence can be judged by. `&`, `|` and `at_least_of` combine them; the others bound a quantity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.checks import verdict as verdicts
from harness.checks.evidence import Evidence
from harness.checks.samples import CheckError
from harness.checks.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from harness.checks.measured import Measured

Contrast = tuple[tuple[str, ...], tuple[str, ...]]
"""The models on both sides of a comparison that would not hold between equals."""


class Check(ABC):
    """Something that results can bear out or contradict."""

    @abstractmethod
    def judge(self, evidence: Evidence) -> Judgement:
        """The verdict by these results.

        Raises:
            CheckError: what is asked for cannot be computed.
        """

    def attempt(self, evidence: Evidence) -> Judgement:
        """The verdict by these results; inconclusive, with the reason, if it cannot be computed."""
        try:
            return self.judge(evidence)
        except (ValueError, ArithmeticError) as error:
            return Judgement(Verdict.INCONCLUSIVE, reason=f"cannot be checked: {error}")

    @abstractmethod
    def measured(self) -> Iterator[Measured]:
        """Everything that is read off the results."""

    @abstractmethod
    def contrasts(self) -> Sequence[Contrast]:
        """Comparisons of models that decide the check: were the two the same, it could not hold."""

    @abstractmethod
    def __str__(self) -> str: ...

    def trends(self) -> Iterator[str]:
        """The settings and coordinates along which it looks at how something grows."""
        yield from ()

    def __and__(self, other: Check) -> Check:
        return Several((self, other), 2)

    def __or__(self, other: Check) -> Check:
        return Several((self, other), 1)


@dataclass(frozen=True)
class Several(Check):
    """At least `count` of these checks."""

    checks: tuple[Check, ...]
    count: int

    def judge(self, evidence: Evidence) -> Judgement:
        """Each by itself; findings of all."""
        return verdicts.at_least(self.count, [check.attempt(evidence) for check in self.checks])

    def measured(self) -> Iterator[Measured]:
        """What any of them reads."""
        for check in self.checks:
            yield from check.measured()

    def contrasts(self) -> Sequence[Contrast]:
        """Those that so many of the checks share that the others alone are not enough."""
        found = Counter(contrast for check in self.checks for contrast in set(check.contrasts()))
        return [contrast for contrast, shared in found.items() if shared > len(self.checks) - self.count]

    def trends(self) -> Iterator[str]:
        """Those of all."""
        for check in self.checks:
            yield from check.trends()

    def __str__(self) -> str:
        if self.count == len(self.checks):
            return " and ".join(map(str, self.checks))
        return f"at least {self.count} of: {'; '.join(map(str, self.checks))}"


@dataclass(frozen=True)
class Judged(Check):
    """A check that is a plain function, where the vocabulary is not enough."""

    function: Callable[[Evidence], Judgement]
    reads: tuple[Measured, ...]
    """What the function reads: these cells have to be there."""
    compares: tuple[Contrast, ...] = ()

    def judge(self, evidence: Evidence) -> Judgement:
        """What the function says; whatever it raises, there is no verdict."""
        try:
            return self.function(evidence)
        except Exception as error:
            raise CheckError(f"{self.function.__name__} raised {type(error).__name__}: {error}") from error

    def measured(self) -> Iterator[Measured]:
        """What the function is declared to read."""
        yield from self.reads

    def contrasts(self) -> Sequence[Contrast]:
        """What the function is declared to compare."""
        return self.compares

    def __str__(self) -> str:
        return self.function.__name__


def at_least_of(count: int, *checks: Check) -> Check:
    """Held if at least `count` of the checks are."""
    if not 1 <= count <= len(checks):
        raise ValueError(f"at least {count} of {len(checks)} checks is never or always so")
    return Several(checks, count)


def all_of(*checks: Check) -> Check:
    """Held if every one of the checks is."""
    return at_least_of(len(checks), *checks)
