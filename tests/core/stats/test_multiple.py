"""Corrections, against statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from harness.stats.multiple import Correction, adjust

probabilities = st.lists(st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.05, 1.0]), min_size=1, max_size=30)
METHODS: list[Correction] = ["holm", "fdr_bh"]


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(raw=probabilities)
def test_corrections_are_those_of_statsmodels(method: Correction, raw: list[float]) -> None:
    assert adjust(raw, method) == pytest.approx(multipletests(raw, method=method)[1], abs=1e-10)


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(raw=probabilities, order=st.randoms(use_true_random=False))
def test_a_correction_never_helps_and_keeps_the_order(method: Correction, raw: list[float], order) -> None:
    adjusted, array = adjust(raw, method), np.array(raw)
    assert ((adjusted >= array * (1 - 1e-15)) & (adjusted <= 1)).all()
    assert (np.diff(adjusted[np.argsort(array, kind="stable")]) >= 0).all()
    places = order.sample(range(len(raw)), len(raw))
    assert (adjust(array[places], method) == adjusted[places]).all()


@settings(deadline=None)
@given(probabilities)
def test_holm_is_never_below_benjamini_and_hochberg(raw: list[float]) -> None:
    assert (adjust(raw, "holm") >= adjust(raw, "fdr_bh") * (1 - 1e-12)).all()


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(raw=probabilities, left_out=st.integers(0, 20))
def test_tests_that_were_left_out_count_as_ones(method: Correction, raw: list[float], left_out: int) -> None:
    padded = adjust([*raw, *[1.0] * left_out], method)
    assert adjust(raw, method, family=len(raw) + left_out) == pytest.approx(padded[: len(raw)], abs=1e-15)


def test_nothing_needs_no_correction() -> None:
    assert adjust([0.04], "holm").tolist() == [0.04]
    assert adjust([0.9, 0.04], "none").tolist() == [0.9, 0.04]
    assert adjust([]).size == 0


@pytest.mark.parametrize("raw", [[1.5], [-0.1], [math.nan], [[0.5]]])
def test_what_is_no_probability_is_refused(raw) -> None:
    with pytest.raises(ValueError, match="numbers from 0 to 1"):
        adjust(raw)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="'bonferroni' is none of holm, fdr_bh, none"):
        adjust([0.5], "bonferroni")


def test_a_family_has_all_its_tests() -> None:
    with pytest.raises(ValueError, match="family: 1 tests cannot have 2 p-values"):
        adjust([0.1, 0.2], family=1)
