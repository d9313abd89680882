"""Bayesian comparison of two models over several tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.stats.arguments import Values, finite_values


@dataclass(frozen=True)
class Posterior:
    """The probabilities of three statements, which add up to 1."""

    left: float
    """The difference tends to lie below the region of practical equivalence."""
    rope: float
    """It tends to lie within it."""
    right: float
    """It tends to lie above it."""


def signed_rank(differences: Values, rope: float, samples: int = 50_000, seed: int = 0) -> Posterior:
    """Bayesian signed-rank test (Benavoli et al. 2017): where the differences of two models over independent tasks lie.

    `rope` is half the width of the region of practical equivalence, in the unit of the differences. The prior is a
    Dirichlet process with the strength of half an observation at zero. Differences have to be comparable across tasks.

    Raises:
        ValueError: a difference is not finite, or the region or the number of samples is negative.
    """
    array = finite_values(differences, "differences")
    if not rope >= 0 or samples < 1:
        raise ValueError(f"a region of {rope:g} and {samples} samples: neither may be negative")
    from baycomp.multiple import SignedRankTest

    drawn = SignedRankTest.sample(np.zeros_like(array), array, rope, nsamples=samples, random_state=seed)
    left, middle, right = (np.bincount(drawn.argmax(axis=1), minlength=3) / samples).tolist()
    return Posterior(left, middle, right)
