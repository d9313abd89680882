"""What is read off the results: the leaves of every quantity, and the words that make them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from operator import sub
from typing import Any

from harness.checks.check import Check, Contrast
from harness.checks.evidence import Cell, Evidence, Point, allowed
from harness.checks.quantity import Quantity
from harness.checks.samples import SEED, CheckError, Key, Samples, Tick, short


@dataclass(frozen=True)
class Measured(Quantity):
    """Values of a metric in the claim's cells."""

    metric: str
    models: tuple[str, ...]
    """Full names; empty for every model of the cells."""
    task: str | None
    where: tuple[tuple[str, Any], ...]
    """Settings and coordinates, each with what is allowed."""

    def samples(self, evidence: Evidence) -> Samples:
        """The metric's values, by what varies among the cells, by seed and by the coordinates of a curve."""
        cells, wanted = self.cells(evidence), dict(self.where)
        curve = sorted({name for cell in cells for point in self._points(cell) for name in point.coordinates})
        settings = sorted({name for cell in cells for name in cell.settings})
        known = [(cell, {"task": cell.task, "model": cell.model, **cell.settings}) for cell in cells]
        coordinates = [name for name in curve if not isinstance(wanted.get(name), str | int | float)]
        varying = list(_varying([place for _, place in known], settings))
        self._require(cells, set(varying) & set(curve))
        dims = (*varying, SEED, *coordinates)
        values: dict[Key, float] = {}
        for cell, place in known:
            for point in self._points(cell) if cell.seed != evidence.left_out else ():
                if all(allowed(tick, wanted[name]) for name, tick in point.coordinates.items() if name in wanted):
                    at = {**place, SEED: cell.seed, **point.coordinates}
                    values[tuple(at.get(dim) for dim in dims)] = point.value
        return Samples(dims, values)

    def measured(self) -> Iterator[Measured]:
        """Itself."""
        yield self

    def cells(self, evidence: Evidence) -> list[Cell]:
        """The cells it reads.

        Raises:
            CheckError: there is none.
        """
        found = [cell for cell in evidence.cells if self._reads(cell)]
        if not found:
            raise CheckError(f"{self}: none of the claim's cells is such a one")
        return found

    def gaps(self, evidence: Evidence) -> list[Cell]:
        """The cells that have no value of the metric."""
        return [cell for cell in self.cells(evidence) if not self._points(cell)]

    def _require(self, cells: Sequence[Cell], ambiguous: Set[str]) -> None:
        """All that is wanted must be there: a bound would hold of less than it says."""
        if ambiguous:
            raise CheckError(f"{self}: {', '.join(sorted(ambiguous))} is both a setting and a coordinate")
        for name, wanted in self.where:
            places = [cell.settings for cell in cells]
            places += [point.coordinates for cell in cells for point in self._points(cell)]
            ticks = {place[name] for place in places if name in place}
            listed = wanted if isinstance(wanted, list | tuple | range | set) else [wanted]
            if missing := [one for one in listed if not any(allowed(tick, one) for tick in ticks)]:
                raise CheckError(f"{self}: no cell has {name}={_said(missing)}")

    def _reads(self, cell: Cell) -> bool:
        named = self.task in (None, cell.task) and (not self.models or cell.model in self.models)
        return named and cell.matches(dict(self.where))

    def _points(self, cell: Cell) -> Sequence[Point]:
        return cell.values.get(self.metric, ()) if cell.status == "ok" else ()

    def __str__(self) -> str:
        settings = ", ".join(f"{name}={_said(wanted)}" for name, wanted in self.where)
        of = " or ".join(self.models) + (f"({settings})" if settings else "")
        return f"{self.metric} of {of}" if of else self.metric


@dataclass(frozen=True)
class Rank(Quantity):
    """The place of a model among others by a metric: 1 is the best; equals share the mean of their places."""

    own: Measured
    others: Measured

    def samples(self, evidence: Evidence) -> Samples:
        """One more than how many are better, for each setting and seed."""
        own, others = self.own.samples(evidence), self.others.samples(evidence)
        sign = -1.0 if evidence.directions.get(self.own.metric) == "higher" else 1.0
        gaps = own.combine(others, sub)
        places = gaps.map(lambda gap: 0.5 if gap == 0 else float(sign * gap > 0))
        for dim in [dim for dim in places.dims if dim not in own.dims]:
            places = places.reduce(dim, lambda _, behind: sum(behind))
        return places.map(lambda behind: 1 + behind)

    def measured(self) -> Iterator[Measured]:
        """The model and the others."""
        yield from (self.own, self.others)

    def neutral(self) -> tuple[float, Contrast]:
        """All of them share the middle place."""
        return 1 + len(self.others.models) / 2, (self.own.models, self.others.models)

    def __str__(self) -> str:
        return f"rank of {' or '.join(self.own.models)} by {self.own.metric} among {len(self.others.models) + 1}"


def measured(metric: str, model: str | Sequence[str] = (), *, task: str | None = None, **where: Any) -> Measured:
    """The values of a metric in a claim's cells.

    What varies among the chosen cells becomes a dimension of the quantity; a bound has to hold along all of them.

    Args:
        metric: its name.
        model: the full name of a model, or of several; none for all of the cells' models.
        task: the full name of a task; None for all of the cells' tasks.
        where: parameters of task or model, `backend`, or coordinates of a curve: the wanted value, or a list of them.
    """
    models = (model,) if isinstance(model, str) else tuple(model)
    return Measured(metric, models, task, tuple(where.items()))


def ratio(metric: str, model: str, other: str, **where: Any) -> Quantity:
    """A metric of one model over that of another, on the same instances."""
    return measured(metric, model, **where) / measured(metric, other, **where)


def difference(metric: str, model: str, other: str, **where: Any) -> Quantity:
    """A metric of one model less that of another, on the same instances."""
    return measured(metric, model, **where) - measured(metric, other, **where)


def agreement(one: Quantity, other: Quantity, *, within: float) -> Check:
    """Held if every single value of one is that of the other, up to an absolute tolerance."""
    return (one - other).each().within(-within, within)


def rank(metric: str, model: str, among: Sequence[str], **where: Any) -> Rank:
    """The place of a model by a metric among others: 1 is the best, by the metric's own direction.

    A model with several settings counts as so many.
    """
    others = tuple(one for one in among if one != model)
    if not others:
        raise ValueError(f"{model} is ranked among no others")
    return Rank(measured(metric, model, **where), measured(metric, others, **where))


def _varying(places: Sequence[Mapping[str, Tick]], settings: Sequence[str]) -> Iterator[str]:
    """What tells the places apart: a parameter that follows from the model or the task does not."""
    for name in ("task", "model", *settings):
        of = ("task", "model") if name in settings else ()
        ticks: dict[Key, set[Tick]] = {}
        for place in places:
            ticks.setdefault(tuple(place[one] for one in of), set()).add(place.get(name))
        if any(len(found) > 1 for found in ticks.values()):
            yield name


def _said(wanted: Any) -> str:
    if isinstance(wanted, list | tuple | range):
        return "|".join(map(_said, wanted))
    return short(wanted)
