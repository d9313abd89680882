"""The baseline that a person names, found among the arms."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from harness.compare.sample import Sample
from harness.errors import HarnessError, UnknownNameError


def baselines(samples: Sequence[Sample], name: str | None) -> list[int | None]:
    """The position of the baseline in each sample; None where it is not among the ranked arms.

    Raises:
        HarnessError: several arms of a sample are called so.
    """
    return [None if name is None else _position(sample, name) for sample in samples]


def check_baseline(samples: Sequence[Sample], name: str) -> None:
    """See that there is such a model.

    Raises:
        UnknownNameError: it is ranked nowhere; with the closest names of those that are.
    """
    ranked = list(dict.fromkeys(sample.arms[arm].name for sample in samples for arm in sample.ranking))
    if not called(ranked, name):
        closest = ", ".join(difflib.get_close_matches(name, ranked, n=3, cutoff=0.0))
        raise UnknownNameError(f"no ranked model is called {name!r}; the closest names are {closest}")


def called(labels: Iterable[str], name: str) -> list[str]:
    """The label that is the name, or else the labels that are the name with parameters."""
    among = list(labels)
    return [name] if name in among else [label for label in among if label.partition("(")[0] == name]


def _position(sample: Sample, name: str) -> int | None:
    positions = {sample.arms[arm].name: arm for arm in sample.ranking}
    labels = called(positions, name)
    if len(labels) > 1:
        raise HarnessError(f"{name!r} is several models on {sample.place.task}: give one of {', '.join(labels)}")
    return positions[labels[0]] if labels else None
