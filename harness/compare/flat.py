"""A comparison as flat rows, one for each arm of each task: for CSV, data frames and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TypeAlias

from harness.compare.comparison import Comparison
from harness.compare.pair import Pair
from harness.compare.standing import Standing
from harness.compare.task import TaskComparison
from harness.stats.interval import Interval

Cell: TypeAlias = str | float | int | None


def rows(task: TaskComparison) -> Iterator[dict[str, Cell]]:
    """The arms of a task, each with its difference from the anchor."""
    pairs = task.beside(task.anchor) if task.anchor else {}
    for standing in task.standings:
        pair = pairs.get(standing.arm.name)
        yield {
            "task": task.place.task,
            "scale": task.place.scale,
            "backend": task.place.backend,
            "metric": task.quantity.name,
            "unit": task.quantity.unit,
            "direction": task.quantity.direction,
            "model": task.subject or standing.arm.name,
            "run": standing.arm.name if task.subject else None,
            "role": standing.arm.role,
            **_standing(standing),
            **_pair(pair),
        }


def as_csv(comparison: Comparison) -> str:
    """All rows, with a heading."""
    out = io.StringIO()
    found = [row for task in comparison.tasks for row in rows(task)]
    writer = csv.DictWriter(out, list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue()


def _standing(standing: Standing) -> dict[str, Cell]:
    best, worst = standing.place or (None, None)
    failures = " ".join(f"{count} {status}" for status, count in standing.failures.items())
    return {
        "best_place": best,
        "worst_place": worst,
        **_interval("mean", standing.estimate),
        "median": standing.median,
        "ok": standing.ok,
        "total": standing.total,
        "failures": failures,
    }


def _pair(pair: Pair | None) -> dict[str, Cell]:
    if pair is None:
        names = ("against", "scale_of_effect", "effect", "effect_low", "effect_high", "p_value", "effect_size")
        return dict.fromkeys((*names, "wins", "ties", "losses", "verdict"))
    return {
        "against": pair.b,
        "scale_of_effect": str(pair.result.scale),
        **_interval("effect", pair.result.effect),
        "p_value": pair.p_value,
        "effect_size": pair.result.effect_size,
        "wins": pair.wins,
        "ties": pair.ties,
        "losses": pair.losses,
        "verdict": str(pair.verdict),
    }


def _interval(name: str, interval: Interval | None) -> dict[str, Cell]:
    if interval is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
    plain = interval.plain()
    return {name: plain["estimate"], f"{name}_low": plain["low"], f"{name}_high": plain["high"]}
