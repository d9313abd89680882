"""Names for machines: short, and as long as it takes to tell them apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Fingerprint: TypeAlias = tuple[tuple[str, str], ...]
"""The entries of a run's fingerprint, sorted."""


@dataclass(frozen=True)
class Machine:
    """What runs of one fingerprint ran on."""

    name: str
    """Unique among those that it was named with."""
    fingerprint: Fingerprint

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"name": self.name, "fingerprint": dict(self.fingerprint)}


def fingerprint_of(entries: Mapping[str, str]) -> Fingerprint:
    """The fingerprint as a key."""
    return tuple(sorted(entries.items()))


def named(fingerprints: Iterable[Mapping[str, str]]) -> dict[Fingerprint, Machine]:
    """A machine for each fingerprint; where processor and cores are alike, the name says what is not."""
    alike: dict[str, list[Fingerprint]] = {}
    for one in sorted(set(map(fingerprint_of, fingerprints))):
        alike.setdefault(_short(dict(one)), []).append(one)
    return {one: Machine(short + _difference(one, group), one) for short, group in alike.items() for one in group}


def _short(entries: Mapping[str, str]) -> str:
    return f"{entries.get('cpu', 'unknown processor')}, {entries.get('cores', '?')} cores"


def _difference(one: Fingerprint, group: list[Fingerprint]) -> str:
    """The entries in which a fingerprint is not like all others of its group, in parentheses."""
    every = set.intersection(*map(set, group))
    own = dict(one)
    names = sorted({name for other in group for name, value in other if (name, value) not in every})
    told = ", ".join(f"{name} {own.get(name, 'none')}" for name in names)
    return f" ({told})" if told else ""
