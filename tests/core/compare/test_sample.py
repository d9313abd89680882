"""From rows to matrices of arms by instances."""

from __future__ import annotations

import numpy as np
import pytest

from harness.compare.sample import Place, sampling

from .conftest import rows


def test_a_matrix_has_a_row_per_arm_and_a_column_per_seed(table) -> None:
    (sample,) = sampling(table({"a/x": [1.0, 2.0], "a/y": [None, 3.0]})).samples
    assert [arm.name for arm in sample.arms] == ["a/x", "a/y"]
    assert sample.instances == (0, 1)
    assert np.array_equal(sample.values, [[1.0, 2.0], [np.nan, 3.0]], equal_nan=True)
    assert not sample.failed.any()


def test_failures_have_no_value_and_are_counted(table) -> None:
    (sample,) = sampling(table({"a/x": [1.0, "timeout", "failed", "skipped", "timeout"]})).samples
    assert sample.failed.tolist() == [[False, True, True, False, True]]
    assert sample.statuses == ({"ok": 1, "timeout": 2, "failed": 1, "skipped": 1},)
    assert sample.means.tolist() == [1.0]


def test_tasks_scales_and_backends_are_apart(table) -> None:
    found = table(*(rows({"a/x": [1.0]}, **one) for one in ({}, {"scale": "paper"}, {"backend_label": "cuda"})))
    places = [sample.place for sample in sampling(found).samples]
    assert places == [Place("a/task", *rest) for rest in (("claim", "cpu"), ("paper", "cpu"), ("claim", "cuda"))]


def test_the_first_metric_is_that_of_the_fullest_case(table) -> None:
    second = rows({"a/x": [5.0, 5.0]}, metric="second")
    first = rows({"a/x": [None, 1.0]})  # not defined for the first instance
    (sample,) = sampling(table(second[:1], first, second[1:])).samples
    assert sample.quantity.name == "error"
    assert np.array_equal(sample.values, [[np.nan, 1.0]], equal_nan=True)
    assert sample.statuses == ({"ok": 2},)


@pytest.mark.parametrize(("pattern", "names"), [("*", ["error", "other"]), ("oth*", ["other"]), ("no", [])])
def test_metrics_are_chosen_by_a_pattern(table, pattern, names) -> None:
    found = table(rows({"a/x": [1.0]}), rows({"a/x": [2.0]}, metric="other"))
    assert [sample.quantity.name for sample in sampling(found, pattern).samples] == names


def test_curves_are_left_out_and_named(table) -> None:
    curve = rows({"a/x": [1.0]}, metric="curve", coordinates='{"step": 1}')
    found = sampling(table(curve, rows({"a/x": [2.0]})))
    assert found.curves == ("curve",)
    assert [sample.quantity.name for sample in found.samples] == ["error"]


def test_a_task_without_values_is_named(table) -> None:
    found = sampling(table({"a/x": ["crashed"]}))
    assert (found.samples, found.empty) == ((), (Place("a/task", "claim", "cpu"),))


def test_no_rows_are_no_samples(table) -> None:
    assert sampling(table()).samples == ()


def test_runs_are_the_arms_of_each_model(table) -> None:
    found = table(rows({"a/x": [1.0], "a/y": [2.0]}, run="A"), rows({"a/y": [3.0]}, run="B"))
    samples = {one.subject: one for one in sampling(found, arms="run").samples}
    assert [arm.name for arm in samples["a/y"].arms] == ["A", "B"]
    assert samples["a/y"].values.tolist() == [[2.0], [3.0]]
    assert [arm.name for arm in samples["a/x"].arms] == ["A"]


def test_the_same_case_in_two_runs_is_counted_in_each(table) -> None:
    found = table(*(rows({"a/x": [1.0, 2.0]}, run=run, case="same") for run in "AB"))
    (sample,) = sampling(found, arms="run").samples
    assert sample.statuses == ({"ok": 1}, {"ok": 1})


@pytest.mark.parametrize(("direction", "order"), [("lower", [1, 0]), ("higher", [0, 1])])
def test_the_ranking_follows_the_direction(table, direction, order) -> None:
    values = {"a/x": [2.0], "a/y": [1.0], "a/z": ["failed"]}
    reference = rows({"a/r": [0.0]}, role="reference", direction=direction)
    (sample,) = sampling(table(rows(values, direction=direction), reference)).samples
    assert list(sample.ranking) == order
    assert sample.positive  # the reference's zero does not count
