"""The values to compare: for each task and metric a matrix of arms by instances.

An *instance* is a seed of a task: all models meet the same instance of a seed. An *arm* is what is compared: a model
within a run, or a run of one model. What has failed has no value, and is counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from harness.compare.columns import PLACE, Columns
from harness.metrics import Direction

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Quantity:
    """The metric that is compared."""

    name: str
    unit: str
    """`1` where there is none."""
    direction: Direction


@dataclass(frozen=True)
class Place:
    """Where values were measured: they are compared within one of these only."""

    task: str
    scale: str
    backend: str


@dataclass(frozen=True)
class Arm:
    """What is compared: a model within a run, or a run of one model."""

    name: str
    role: str
    """`construction`, `baseline` or `reference`; references are shown, but neither ranked nor tested."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The values of one metric on one task. All matrices are (arms, instances)."""

    place: Place
    subject: str | None
    """The model, when its runs are the arms; None when the models of one run are."""
    quantity: Quantity
    arms: tuple[Arm, ...]
    instances: tuple[int, ...]
    """The seeds."""
    values: np.ndarray
    """NaN where there is no value."""
    failed: np.ndarray
    """Whether the case was executed and is not ok."""
    statuses: tuple[Mapping[str, int], ...]
    """For each arm, how many of its cases ended in which way."""

    @cached_property
    def known(self) -> np.ndarray:
        """Whether there is a value."""
        known: np.ndarray = ~np.isnan(self.values)
        return known

    @cached_property
    def flawless(self) -> bool:
        """Whether no case has failed."""
        return not self.failed.any()

    @cached_property
    def means(self) -> np.ndarray:
        """The mean of each arm over the values that there are; NaN where there is none."""
        with np.errstate(invalid="ignore"):
            means: np.ndarray = np.where(self.known, self.values, 0).sum(axis=1) / self.known.sum(axis=1)
        return means

    @cached_property
    def ranking(self) -> tuple[int, ...]:
        """The arms that are ranked, best mean first: those that have a value and are no references."""
        costs = (self.means if self.quantity.direction == "lower" else -self.means).tolist()
        ranked = [arm for arm, cost in enumerate(costs) if not math.isnan(cost) and self.arms[arm].role != "reference"]
        return tuple(sorted(ranked, key=costs.__getitem__))

    @cached_property
    def positive(self) -> bool:
        """Whether all values of the ranked arms are positive, so that ratios make sense."""
        ranked = list(self.ranking)
        return bool((self.values[ranked][self.known[ranked]] > 0).all())


@dataclass(frozen=True)
class Sampling:
    """All that a table has to compare."""

    samples: tuple[Sample, ...]
    metrics: tuple[str, ...]
    """All metrics that have a number to compare."""
    curves: tuple[str, ...]
    """Metrics that are left out, since their values stand along coordinates."""
    empty: tuple[Place, ...]
    """Where there is no value of any metric that was asked for."""


def sampling(
    table: pa.Table, metric: str | None = None, arms: Literal["model_label", "run"] = "model_label"
) -> Sampling:
    """Read the samples off a table of results (`harness.store.rows.SCHEMA`), in its order.

    Args:
        table: the rows of a run, or of two with their names in the column `run`.
        metric: a name or glob pattern; None stands for each task's first metric.
        arms: the column that tells the arms apart; if it is `run`, each model is compared by itself.
    """
    columns = Columns(table)
    samples = []
    empty = []
    for rows in columns.groups(*PLACE, *(["model_label"] if arms == "run" else [])):
        chosen = _matching(columns, rows, metric) if metric else _first(columns, rows)
        samples += [_sample(columns, rows, code, arms) for code in chosen]
        if not len(chosen):
            empty.append(_place(columns, rows))
    return Sampling(tuple(samples), columns.metrics, columns.curves, tuple(dict.fromkeys(empty)))


def _place(columns: Columns, rows: np.ndarray) -> Place:
    return Place(*(columns.text(name, rows[0]) for name in PLACE))


def _matching(columns: Columns, rows: np.ndarray, pattern: str) -> list[int]:
    """The metrics that match, as codes, in the order of the rows."""
    present = dict.fromkeys(columns.codes["metric"][rows[columns.usable[rows]]].tolist())
    names = columns.texts["metric"]
    return [code for code in present if fnmatch(names[code], pattern)]


def _first(columns: Columns, rows: np.ndarray) -> list[int]:
    """The first metric of the case that has most: a metric that is not defined for an instance has no row."""
    usable = rows[columns.usable[rows]]
    if not len(usable):
        return []
    _, first, counts = np.unique(columns.codes["case"][usable], return_index=True, return_counts=True)
    return [int(columns.codes["metric"][usable[first[np.argmax(counts)]]])]


def _sample(columns: Columns, rows: np.ndarray, metric: int, arms: str) -> Sample:
    codes = columns.codes
    _, start, arm = np.unique(codes[arms][rows], return_index=True, return_inverse=True)
    seeds, instance = np.unique(columns.seed[rows], return_inverse=True)
    values = np.full((len(start), len(seeds)), np.nan)
    measured = columns.usable[rows] & (codes["metric"][rows] == metric)
    values[arm[measured], instance[measured]] = columns.value[rows[measured]]
    failed = np.zeros(values.shape, bool)
    lost = columns.failed[rows]
    failed[arm[lost], instance[lost]] = True
    example = rows[np.argmax(measured)]
    direction = cast("Direction", columns.text("direction", example))
    return Sample(
        place=_place(columns, rows),
        subject=columns.text("model_label", rows[0]) if arms == "run" else None,
        quantity=Quantity(columns.text("metric", example), columns.text("unit", example), direction),
        arms=tuple(Arm(columns.text(arms, row), columns.text("role", row)) for row in rows[start]),
        instances=tuple(seeds.tolist()),
        values=values,
        failed=failed & np.isnan(values),
        statuses=_statuses(columns, rows, arm, len(start)),
    )


def _statuses(columns: Columns, rows: np.ndarray, arm: np.ndarray, count: int) -> tuple[Mapping[str, int], ...]:
    """Of each arm, how many of its cases (not rows) ended in which way."""
    _, cases = np.unique(arm * len(columns.texts["case"]) + columns.codes["case"][rows], return_index=True)
    names = columns.texts["status"]
    counts = np.zeros((count, len(names)), int)
    np.add.at(counts, (arm[cases], columns.codes["status"][rows[cases]]), 1)
    return tuple({names[code]: int(line[code]) for code in np.flatnonzero(line)} for line in counts)
