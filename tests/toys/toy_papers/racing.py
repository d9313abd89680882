"""Operations to be timed (arXiv:0000.00006)."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from harness import Backend, Context, InvalidOutcomeError, Operation, Paper, Task, metric
from harness.backends import Cpu


@metric(unit="1", direction="lower")
def distance(instance: list[int], outcome: int) -> float:
    """From the right sum."""
    return float(abs(outcome - sum(instance)))


class Summer(Protocol):
    def total(self, numbers: list[int]) -> int: ...


@dataclass
class Sum(Task[list[int], Summer, int]):
    """Add numbers up."""

    size: int = 2000

    protocol: ClassVar[type] = Summer
    metrics: ClassVar = (distance,)
    scales: ClassVar = {"smoke": {"size": 200}}
    operations: ClassVar = ("total",)

    def instance(self, context: Context) -> list[int]:
        return [int(number) for number in context.rng.integers(1000, size=self.size)]

    def run(self, model: Summer, instance: list[int], context: Context) -> int:
        return model.total(instance)

    def operation(self, name: str, model: Summer, instance: list[int], context: Context) -> Operation:
        def check(total: int) -> None:
            if total != sum(instance):
                raise InvalidOutcomeError("the sum is wrong")

        return Operation(lambda: model.total(instance), check, items=len(instance), item="number")


@dataclass
class Loop:
    """A loop, with so many rounds more than it needs."""

    extra: float = 0.0

    def total(self, numbers: list[int]) -> int:
        found = 0
        for number in numbers:
            found += number
        for _ in range(round(self.extra * len(numbers))):
            found += 0
        return found


@dataclass
class Builtin:
    """`sum`."""

    def total(self, numbers: list[int]) -> int:
        return sum(numbers)


@dataclass
class Faulty:
    """Fails in one of several ways."""

    how: str = "raise"
    calls = 0

    def total(self, numbers: list[int]) -> int:
        self.calls += 1
        if self.how == "wrong":
            return -1
        if self.how == "raise late":
            return self._late()
        if self.how == "raise":
            raise ArithmeticError("too many numbers")
        if self.how == "die":
            os._exit(3)
        if self.how == "hang":
            time.sleep(1000)
        return sum(numbers)

    def _late(self) -> int:
        """Long enough to be a sample by itself; fails when the warm-up is over."""
        if self.calls > 20:
            raise ArithmeticError("too many numbers")
        return sum(range(100_000))


def loop(size: int = 2000, extra: float = 0.0) -> tuple[Operation, Backend]:
    """An operation to be built in a process."""
    numbers, model = list(range(size)), Loop(extra)
    return Operation(lambda: model.total(numbers)), Cpu()


def faulty(how: str) -> tuple[Operation, Backend]:
    """One that fails."""
    model = Faulty(how)
    return Operation(lambda: model.total([1])), Cpu()


def hungry(megabytes: int) -> tuple[Operation, Backend]:
    """One that writes into so much memory, and gives it back; its check takes twice as much."""

    def take(size: int) -> int:
        return len(bytearray(b"x") * (size * 1_000_000))

    return Operation(lambda: take(megabytes), check=lambda _: take(2 * megabytes)), Cpu()


def allowed() -> tuple[Operation, Backend]:
    """As many items as there are processors that it may use."""
    return Operation(lambda: None, items=len(os.sched_getaffinity(0)), item="processor"), Cpu()


def sleeping(**_: Any) -> tuple[Operation, Backend]:
    """One whose time is not spent on a processor, so that no sample is clean."""
    return Operation(lambda: time.sleep(0.002)), Cpu()


paper = Paper(title="Racing", year=2026, venue="none", tasks=[Sum], constructions=[Builtin], baselines=[Loop, Faulty])
