"""The Bayesian signed-rank test, against baycomp and its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.stats.bayes import signed_rank


@pytest.mark.parametrize("rope", [0.0, 0.2])
def test_it_is_that_of_baycomp(rope: float) -> None:
    from baycomp import SignedRankTest

    differences = np.random.default_rng(0).normal(0.3, 1, 8)
    posterior = SignedRankTest(np.zeros(8), differences, rope, nsamples=2000, random_state=3)
    found = signed_rank(differences, rope, samples=2000, seed=3)
    assert (found.left, found.rope, found.right) == pytest.approx(posterior.probs(), abs=1e-10)


def test_it_is_what_it_says() -> None:
    differences, rope = np.array([0.3, -0.1, 0.5, 0.05, 0.2]), 0.15
    rng = np.random.default_rng(0)
    weights = rng.dirichlet([0.5, 1, 1, 1, 1, 1], 4000)
    values = np.append(0, differences)
    means = (values[:, None] + values) / 2
    masses = [np.einsum("si,sj,ij->s", weights, weights, region) for region in (means < -rope, means > rope)]
    left, right = masses
    expected = np.bincount(np.argmax([left, 1 - left - right, right], axis=0), minlength=3) / 4000
    found = signed_rank(differences, rope, samples=4000)
    assert (found.left, found.rope, found.right) == pytest.approx(expected.tolist(), abs=0.05)


def test_the_order_of_the_two_mirrors() -> None:
    differences = np.random.default_rng(1).normal(0.5, 1, 10)
    one, other = signed_rank(differences, 0.1, samples=4000), signed_rank(-differences, 0.1, samples=4000)
    assert (one.left, one.rope, one.right) == (other.right, other.rope, other.left)
    assert one.left + one.rope + one.right == pytest.approx(1)


def test_clear_cases() -> None:
    assert signed_rank([5.0] * 10, 0.1, samples=500).right > 0.99
    assert signed_rank([-5.0] * 10, 0.1, samples=500).left > 0.99
    assert signed_rank([0.01, -0.01] * 5, 0.1, samples=500).rope > 0.99


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], 0.1), "differences: "),
        (([math.nan], 0.1), "not finite"),
        (([1.0], -0.1), "a region of -0.1"),
        (([1.0], math.nan), "a region of nan"),
        (([1.0], 0.1, 0), "0 samples"),
    ],
)
def test_mistakes_are_named(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        signed_rank(*arguments)
