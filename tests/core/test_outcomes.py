"""Which answers of models are legal arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from harness import InvalidOutcomeError, check_array


@given(array_shapes(min_dims=0), st.sampled_from([np.float16, np.float32, np.float64]))
def test_finite_floats_of_any_precision_and_shape_are_legal(shape: tuple[int, ...], dtype: Any) -> None:
    assert check_array(np.ones(shape, dtype), "predictions", "(...)", shape) is None


@given(array_shapes(max_dims=3), st.data())
def test_one_number_that_is_not_finite_is_found(shape: tuple[int, ...], data: st.DataObject) -> None:
    answer = np.zeros(shape)
    answer.flat[data.draw(st.integers(0, answer.size - 1))] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    with pytest.raises(InvalidOutcomeError, match=f"1 of {answer.size} predictions are not finite"):
        check_array(answer, "predictions", "(...)", shape)


@pytest.mark.parametrize(
    ("answer", "kind", "complaint"),
    [
        (np.zeros((2, 3), int), np.floating, "predictions must be a floating-point array, not int64"),
        (np.zeros((2, 3), bool), np.floating, "not bool"),
        (np.full((2, 3), "a"), np.floating, "not <U1"),
        (np.zeros((2, 3), complex), np.floating, "not complex128"),
        ([[0.0] * 3] * 2, np.floating, "not list"),
        (None, np.floating, "not NoneType"),
        (np.zeros((3, 2)), np.floating, r"predictions must be \(B, k\) = \(2, 3\), not \(3, 2\)"),
        (np.zeros((2, 3)), np.integer, "predictions must be an array of integers, not float64"),
    ],
)
def test_other_answers_are_refused_with_what_they_are(answer: Any, kind: Any, complaint: str) -> None:
    with pytest.raises(InvalidOutcomeError, match=complaint):
        check_array(answer, "predictions", "(B, k)", (2, 3), kind)


def test_integers_are_legal_where_they_are_asked_for() -> None:
    assert check_array(np.zeros((2, 3), np.uint8), "places", "(B, k)", (2, 3), np.integer) is None
