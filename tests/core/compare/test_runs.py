"""One run beside another."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from harness.compare.comparison import compare_runs
from harness.compare.pair import Verdict
from harness.errors import HarnessError

from .conftest import rows


def two(factor: float, *, seed: int = 0, models: int = 3) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """The same models before and after a change that multiplies the first one's values."""
    rng = np.random.default_rng(seed)
    before = {f"a/{index}": rng.lognormal(0, 1, 10) for index in range(models)}
    after = {name: found * np.exp(rng.normal(0, 0.01, 10)) for name, found in before.items()}
    after["a/0"] = after["a/0"] * factor
    return ({name: list(found) for name, found in run.items()} for run in (before, after))


def test_a_change_is_said_for_the_model_that_it_concerns(table) -> None:
    before, after = two(1.1)
    comparison = compare_runs(table(before, run="x"), table(after, run="y"), "A", "B")
    assert comparison.sources == ("A", "B")
    assert [task.subject for task in comparison.tasks] == ["a/0", "a/1", "a/2"]
    (pair,) = comparison.tasks[0].pairs
    assert (pair.a, pair.b, pair.verdict) == ("B", "A", Verdict.WORSE)
    assert pair.result.effect.low <= 1.1 <= pair.result.effect.high
    assert re.match(r"a/0: B is 1\d % \[.*\] higher than A, worse on \d+ of 10 instances \(p ", pair.sentence)


def test_all_models_of_a_task_are_corrected_together(table) -> None:
    before, after = two(1.0)
    comparison = compare_runs(table(before), table(after, run="y"), "A", "B")
    raw = sorted(task.pairs[0].result.p_value for task in comparison.tasks)
    assert min(task.pairs[0].p_value for task in comparison.tasks) == pytest.approx(min(1, 3 * raw[0]))


def test_the_instances_are_paired_by_seed(table) -> None:
    before = table(rows({"a/x": [1.0, 2.0, 3.0]}))
    after = table(rows({"a/x": [1.0, 2.0, 3.0]})[::-1], run="y")
    (task,) = compare_runs(before, after, "A", "B").tasks
    assert task.pairs[0].verdict is Verdict.IDENTICAL


def test_what_only_one_has_is_listed(table) -> None:
    before, after = table({"a/x": [1.0], "a/gone": [1.0]}), table({"a/x": [1.0], "a/new": [1.0]}, run="y")
    only_in = compare_runs(before, after, "A", "B").only_in
    assert only_in == {"A": ("a/task, a/gone (claim, cpu)",), "B": ("a/task, a/new (claim, cpu)",)}


def test_a_model_that_broke_is_told(table) -> None:
    before, after = table({"a/x": [1.0, 2.0]}), table({"a/x": ["crashed", "crashed"]}, run="y")
    (task,) = compare_runs(before, after, "A", "B").tasks
    assert task.notes == ("a/x: B has no value: 2 crashed",)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (rows({"a/x": [1.0, 2.0]}, reused_from="run"), "both runs hold the same results"),
        (rows({"a/x": [1.0, 2.0, 3.0]}, reused_from="run"), "2 of 3 cases are the same results"),
    ],
)
def test_reused_results_are_told(table, after, said) -> None:
    (note,) = compare_runs(table({"a/x": [1.0, 2.0]}), table(after), "A", "B").notes
    assert said in note


def test_cases_that_ran_again_are_no_reused_ones(table) -> None:
    before, after = (rows({"a/x": [1.0, 2.0]}, run=run, case="same") for run in ("x", "y"))
    assert compare_runs(table(before), table(after), "A", "B").notes == ()


def test_two_runs_of_one_name_are_told_apart(table) -> None:
    found = table({"a/x": [1.0, 2.0]})
    assert compare_runs(found, found, "same", "same").sources == ("same (A)", "same (B)")


def test_runs_with_nothing_in_common_are_told(table) -> None:
    with pytest.raises(HarnessError, match="no task with the same model, backend and scale in common"):
        compare_runs(table({"a/x": [1.0]}), table({"a/x": [1.0]}, scale="paper"), "A", "B")


def test_a_change_over_tasks_is_found_where_no_task_shows_it(table) -> None:
    rng = np.random.default_rng(4)
    groups = {"A": [], "B": []}
    for task in range(20):
        hard = rng.lognormal(0, 1, 4)
        for run, factor in (("A", 1.0), ("B", 0.97)):
            values = {f"a/{model}": list(hard * factor * np.exp(rng.normal(0, 0.05, 4))) for model in range(2)}
            groups[run].append(rows(values, task_label=f"t/{task}", run=run))
    comparison = compare_runs(table(*groups["A"]), table(*groups["B"]), "A", "B")
    (overall,) = comparison.overall
    (pair,) = overall.pairs
    assert (pair.a, pair.b, len(overall.tasks)) == ("B", "A", 20)
    assert pair.p_value < 0.05
    assert pair.result.effect.low <= 0.97 <= pair.result.effect.high
    assert sum(task.pairs[0].winner is not None for task in comparison.tasks) < 5
    json.dumps(comparison.plain(), allow_nan=False)


def test_a_reference_is_no_part_of_the_tests(table) -> None:
    exact, model = rows({"a/r": [1.0, 2.0]}, role="reference"), rows({"a/x": [1.0, 2.0]})
    comparison = compare_runs(table(exact, model), table(exact, model), "A", "B")
    assert {task.subject: len(task.pairs) for task in comparison.tasks} == {"a/r": 0, "a/x": 1}
