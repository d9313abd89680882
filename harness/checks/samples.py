"""Numbers with named dimensions: what a quantity is while it is being put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

SEED = "seed"
"""The dimension of repetitions: values of one seed are of one instance."""

Tick: TypeAlias = str | int | float | bool | None
Key: TypeAlias = tuple[Tick, ...]
Reduction: TypeAlias = Callable[[Sequence[Tick], Sequence[float]], float]


class CheckError(ValueError):
    """A check asks for what cannot be computed: a logarithm of zero, a setting that no cell has ..."""


@dataclass(frozen=True)
class Samples:
    """Values by their ticks on named dimensions; not every combination of ticks need have one."""

    dims: tuple[str, ...]
    values: Mapping[Key, float]

    def map(self, function: Callable[[float], float]) -> Samples:
        """Each value changed."""
        return Samples(self.dims, {key: function(value) for key, value in self.values.items()})

    def combine(self, other: Samples, function: Callable[[float, float], float]) -> Samples:
        """Values of both that agree on the dimensions they share, put together; the other dimensions are kept."""
        shared = [dim for dim in self.dims if dim in other.dims]
        extra = [dim for dim in other.dims if dim not in self.dims]
        partners: dict[Key, list[tuple[Key, float]]] = {}
        for key, value in other.values.items():
            partners.setdefault(_pick(other.dims, key, shared), []).append((_pick(other.dims, key, extra), value))
        joined = {
            (*key, *rest): function(value, partner)
            for key, value in self.values.items()
            for rest, partner in partners.get(_pick(self.dims, key, shared), ())
        }
        return Samples((*self.dims, *extra), joined)

    def reduce(self, dim: str, function: Reduction) -> Samples:
        """Take a dimension away: `function` gets its ticks in order, with their values."""
        rest = tuple(one for one in self.dims if one != dim)
        groups = self.groups(dim)
        return Samples(rest, {key: function(*zip(*points, strict=True)) for key, points in groups.items()})

    def groups(self, dim: str) -> dict[Key, list[tuple[Tick, float]]]:
        """The values along a dimension, in the order of its ticks, by the ticks of all others.

        Raises:
            CheckError: there is no such dimension.
        """
        if dim not in self.dims:
            raise CheckError(f"nothing varies along {dim!r}; there is {', '.join(self.dims) or 'no dimension'}")
        place = self.dims.index(dim)
        found: dict[Key, list[tuple[Tick, float]]] = {}
        for key, value in self.values.items():
            found.setdefault((*key[:place], *key[place + 1 :]), []).append((key[place], value))
        return {key: sorted(points, key=lambda point: order(point[0])) for key, points in found.items()}


def place(dims: Sequence[str], key: Key) -> str:
    """A key in words: `m=256, seed=3`."""
    return ", ".join(f"{dim}={short(tick)}" for dim, tick in zip(dims, key, strict=True))


def order(tick: Tick) -> tuple[bool, float, str]:
    """Sorts numbers as numbers and before text."""
    number = isinstance(tick, int | float)
    return (not number, float(tick) if isinstance(tick, int | float) else 0.0, str(tick))


def _pick(dims: tuple[str, ...], key: Key, wanted: Sequence[str]) -> Key:
    return tuple(key[dims.index(dim)] for dim in wanted)


def short(tick: Tick) -> str:
    """A tick as one would write it."""
    return f"{tick:g}" if isinstance(tick, float) else str(tick)
