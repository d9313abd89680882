"""Metrics: names, curves, and what a curve may be along."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics import Along, metric


def test_a_metric_is_named_like_its_function_and_calls_it() -> None:
    @metric(unit="s", direction="lower")
    def train_seconds(instance: float, outcome: float) -> float:
        """How long it took."""
        return outcome - instance

    assert (train_seconds.name, train_seconds.doc, train_seconds(1.0, 3.0)) == ("train-seconds", "How long it took.", 2)


def test_a_curve_has_a_row_for_each_value_in_plain_numbers() -> None:
    curve = Along(np.array([1.0, 2.0]), step=np.array([10, 20]), part=["a", "b"])
    assert list(curve.rows()) == [(1.0, {"step": 10, "part": "a"}), (2.0, {"step": 20, "part": "b"})]
    assert type(next(curve.rows())[1]["step"]) is int


@pytest.mark.parametrize(
    ("values", "coordinates", "error", "message"),
    [
        ([1.0], {}, ValueError, "values along nothing"),
        ([1.0, 2.0], {"step": [1]}, ValueError, "coordinate 'step' has 1 ticks for 2 values"),
        ([1.0], {"step": [None]}, TypeError, "a tick is a number or a string, not NoneType"),
    ],
)
def test_a_curve_says_what_is_wrong_with_it(values, coordinates, error, message) -> None:
    with pytest.raises(error, match=message):
        Along(values, **coordinates)
