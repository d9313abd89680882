"""The same models over several tasks."""

from __future__ import annotations

import numpy as np
import pytest

from harness.compare.comparison import compare
from harness.compare.options import Options

from .conftest import rows

TASKS = [f"t/{index}" for index in range(8)]


def over(levels: dict[str, float], **more) -> list[list[dict]]:
    """Rows of models whose cost is a level times the difficulty of the task."""
    rng = np.random.default_rng(0)
    found = []
    for task in TASKS:
        hard = rng.lognormal(0, 2)
        values = {name: list(hard * level * np.exp(rng.normal(0, 0.1, 3))) for name, level in levels.items()}
        found.append(rows(values, task_label=task, **more))
    return found


def test_ranks_ratios_and_critical_difference(table) -> None:
    (overall,) = compare(table(*over({"a/x": 1.0, "a/y": 2.0, "a/z": 4.0}))).overall
    assert overall.arms == ("a/x", "a/y", "a/z")
    assert overall.friedman.mean_ranks == (1.0, 2.0, 3.0)
    assert overall.friedman.p_value < 0.01
    assert overall.critical_difference.names == overall.arms
    assert {pair.a: (pair.wins, pair.ties, pair.losses) for pair in overall.pairs} == dict.fromkeys(
        ["a/y", "a/z"], (0, 0, 8)
    )
    ratio = overall.pairs[0].result.effect
    assert ratio.low <= 2 <= ratio.high
    assert overall.pairs[0].p_value < 0.05


def test_higher_is_better_turns_the_costs(table) -> None:
    (overall,) = compare(table(*over({"a/x": 1.0, "a/y": 2.0}, direction="higher"))).overall
    assert overall.arms[0] == "a/y"
    assert overall.critical_difference is None
    assert overall.pairs[0].a == "a/x"
    assert overall.pairs[0].result.effect.low <= 2 <= overall.pairs[0].result.effect.high


def test_the_baseline_is_the_anchor(table) -> None:
    (overall,) = compare(table(*over({"a/x": 1.0, "a/y": 2.0, "a/z": 4.0})), Options(baseline="a/y")).overall
    assert {pair.b for pair in overall.pairs} == {"a/y"}
    assert overall.arms[overall.anchor] == "a/y"


def test_an_arm_without_a_value_is_last_on_that_task(table) -> None:
    groups = over({"a/x": 1.0, "a/y": 2.0})
    for row in groups[0]:
        if row["model_label"] == "a/x":
            row.update(status="timeout", metric=None, value=None)
    (overall,) = compare(table(*groups)).overall
    assert np.isinf(overall.costs).sum() == 1
    pair = overall.pairs[0]
    assert (pair.a, pair.wins, pair.losses, pair.result.count) == ("a/y", 1, 7, 7)


def test_the_posterior_needs_a_region(table) -> None:
    groups = over({"a/x": 1.0, "a/y": 2.0})
    (overall,) = compare(table(*groups), Options(rope=0.05)).overall
    posterior = overall.pairs[0].posterior
    assert posterior.right > 0.95
    assert posterior.left + posterior.rope + posterior.right == pytest.approx(1)
    assert compare(table(*groups)).overall[0].pairs[0].posterior is None


def test_tasks_with_other_arms_or_metrics_are_groups_of_their_own(table) -> None:
    groups = [
        {**row, "task_label": f"{family}/{row['task_label']}", "metric": metric}
        for family, metric in (("a", "error"), ("b", "error"), ("c", "other"))
        for found in over({f"{family}/x": 1.0, f"{family}/y": 2.0})[:2]
        for row in found
    ]
    found = [(one.metric, one.arms[0], len(one.tasks)) for one in compare(table(groups)).overall]
    assert found == [("error", "a/x", 2), ("error", "b/x", 2), ("other", "c/x", 2)]


def test_one_task_or_one_arm_is_no_comparison_across(table) -> None:
    assert compare(table(*over({"a/x": 1.0, "a/y": 2.0})[:1])).overall == ()
    assert compare(table(*over({"a/x": 1.0}))).overall == ()


def test_tasks_that_are_not_positive_count_for_ranks_only(table) -> None:
    groups = [rows({"a/x": [-1.0, 0.0], "a/y": [2.0, 3.0]}, task_label=task) for task in TASKS]
    (overall,) = compare(table(*groups)).overall
    assert overall.friedman.mean_ranks == (1.0, 2.0)
    assert (overall.pairs[0].result, overall.pairs[0].p_value) == (None, None)
