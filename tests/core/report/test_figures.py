"""What figures hold: their data, and that specifications name what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pytest

from harness.compare.comparison import compare
from harness.report.claims import Claim
from harness.report.costs import costs
from harness.report.figures.claims import claims_matrix
from harness.report.figures.curves import curves, read_curves
from harness.report.figures.figure import ARMS, SERIES, Figure, axis
from harness.report.figures.heatmap import heatmap
from harness.report.figures.profile import profile
from harness.report.figures.ranks import ranks
from harness.report.figures.scaling import scalings
from harness.report.figures.tradeoff import tradeoffs
from harness.report.figures.values import values
from harness.report.parameters import parameters
from harness.store.rows import SCHEMA

from .conftest import MODELS, results, row


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def task(rows: list[dict[str, Any]]):
    return compare(table(rows)).tasks[0]


def column(figure: Figure, name: str, **where: Any) -> list[Any]:
    at = figure.columns.index
    return [line[at(name)] for line in figure.rows if all(line[at(key)] == wanted for key, wanted in where.items())]


def columns_named(spec: Any) -> Iterator[str]:
    """Every column that a specification binds."""
    if isinstance(spec, Mapping):
        for key, value in spec.items():
            if key in ("$column", "$minus"):
                yield value
            yield from value if key == "$where" else columns_named(value)
    elif isinstance(spec, list | tuple):
        for inner in spec:
            yield from columns_named(inner)


def all_figures() -> list[Figure]:
    whole = table(results())
    comparison = compare(whole)
    first, overall = comparison.tasks[0], comparison.overall[0]
    found = [
        values(first, "t"),
        *tradeoffs(first, costs(whole)[first.place], "t"),
        *curves(first, read_curves(whole)[first.place], "t"),
        *scalings(comparison.tasks, parameters(whole, "task"), parameters(whole, "model")),
        heatmap(comparison.tasks, "all"),
        ranks(overall, "o"),
        profile(overall, "o"),
        claims_matrix([Claim("p", name, "", "", "", "held", "", (), "") for name in "ab"]),
    ]
    assert None not in found
    return found


def test_figures_are_whole() -> None:
    for figure in all_figures():
        assert set(columns_named(figure.plain()["spec"])) <= set(figure.columns)
        assert all(len(line) == len(figure.columns) for line in figure.rows)
        assert figure.title
        assert figure.alt
        assert json.dumps(figure.plain(), allow_nan=False)
        assert figure.layout["height"] > 100


def test_means_stand_with_their_intervals_and_the_single_values() -> None:
    figure = values(task([row("f/t", "p/x", seed, value=float(seed + 1)) for seed in range(3)]), "t")
    assert column(figure, "value", kind="mean") == [2.0]
    assert column(figure, "low", kind="mean") < [2.0] < column(figure, "high", kind="mean")
    assert column(figure, "value", kind="point") == [1.0, 2.0, 3.0]


def test_a_single_value_has_no_interval_and_no_points() -> None:
    figure = values(task([row("f/t", "p/x", 0)]), "t")
    assert figure.rows == (("p/x", "baseline", "mean", 1.0, None, None),)


def test_of_many_values_quantiles_are_drawn() -> None:
    figure = values(task([row("f/t", "p/x", seed, value=float(seed)) for seed in range(500)]), "t")
    drawn = column(figure, "value", kind="point")
    assert len(drawn) < 100
    assert drawn == sorted(drawn)


def test_of_many_models_the_best_are_drawn_and_the_rest_is_counted() -> None:
    many = [row("f/t", f"p/{index:03}", seed, value=index + 1.0) for index in range(ARMS + 5) for seed in range(2)]
    figure = values(task(many), "t")
    assert column(figure, "model", kind="mean") == [f"p/{index:03}" for index in range(ARMS)]
    assert "5 more" in figure.caption


def test_the_front_holds_what_nothing_beats() -> None:
    points = {"p/good": (1.0, 9.0), "p/cheap": (5.0, 1.0), "p/bad": (6.0, 9.5), "p/even": (3.0, 3.0)}
    rows = [row("f/t", name, 0, value=value, seconds=time) for name, (value, time) in points.items()]
    time, memory = tradeoffs(task(rows), costs(table(rows))[task(rows).place], "t")
    assert column(time, "model", **{"on the front": True}) == ["p/cheap", "p/even", "p/good"]
    assert column(memory, "model", **{"on the front": True}) == ["p/good"]


def test_costs_are_means_over_cases_that_are_ok() -> None:
    rows = [row("f/t", "p/x", 0, seconds=1.0), row("f/t", "p/x", 1, seconds=3.0)]
    rows += [row("f/t", "p/x", 0, seconds=1.0, metric="other"), row("f/t", "p/x", 2, seconds=99.0, status="timeout")]
    (found,) = costs(table(rows)).values()
    assert found["p/x"].seconds == 2.0


def test_a_curve_is_averaged_over_seeds() -> None:
    rows = [row("f/t", "p/x", seed) for seed in (0, 1)]
    rows += [
        row("f/t", "p/x", seed, metric="loss", value=value + step, coordinates=json.dumps({"step": step}))
        for step in (2, 10, 1)
        for seed, value in enumerate((0.0, 2.0))
    ]
    (figure,) = curves(task(rows), read_curves(table(rows))[task(rows).place], "t")
    assert column(figure, "coordinate") == [1, 2, 10]
    assert column(figure, "mean") == [2.0, 3.0, 11.0]
    assert figure.layout["xaxis"]["type"] == "log"


def test_a_long_curve_is_thinned_but_ends_where_it_ends() -> None:
    steps = range(1000)
    rows = [row("f/t", "p/x", 0)]
    rows += [row("f/t", "p/x", 0, metric="loss", coordinates=json.dumps({"step": step})) for step in steps]
    (figure,) = curves(task(rows), read_curves(table(rows))[task(rows).place], "t")
    drawn = column(figure, "coordinate")
    assert len(drawn) <= 60
    assert drawn[-1] == steps[-1]


def test_a_curve_leaves_out_the_worst_but_no_reference() -> None:
    arms = [(f"b/{index}", "baseline") for index in range(SERIES + 2)] + [("b/bound", "reference")]
    rows = [row("f/t", name, 0, role=role, value=float(index)) for index, (name, role) in enumerate(arms)]
    rows += [
        row("f/t", name, 0, role=role, metric="loss", coordinates=json.dumps({"step": step}))
        for name, role in arms
        for step in (1, 2)
    ]
    (figure,) = curves(task(rows), read_curves(table(rows))[task(rows).place], "t")
    assert list(dict.fromkeys(column(figure, "model"))) == [f"b/{index}" for index in range(SERIES)] + ["b/bound"]
    assert figure.caption.endswith("; 2 are left out. Dashed: references, which are not ranked.")
    assert [trace["line"]["dash"] for trace in figure.traces if "marker" in trace] == ["solid"] * SERIES + ["dash"]


def test_of_several_coordinates_the_longest_is_the_axis() -> None:
    rows = [row("f/t", "p/x", seed) for seed in (0, 1)]
    rows += [
        row("f/t", "p/x", seed, metric="loss", value=step + seed, coordinates=json.dumps({"part": part, "step": step}))
        for part in "ab"
        for step in (1, 2, 3)
        for seed in (0, 1)
    ]
    found = curves(task(rows), read_curves(table(rows))[task(rows).place], "t")
    assert [figure.title for figure in found] == ["loss along step, part = a", "loss along step, part = b"]
    for figure in found:
        assert column(figure, "coordinate") == [1, 2, 3]
        assert column(figure, "mean") == [1.5, 2.5, 3.5]


def test_curves_at_many_places_are_counted() -> None:
    rows = [row("f/t", "p/x", 0)]
    rows += [
        row("f/t", "p/x", 0, metric="loss", coordinates=json.dumps({"part": part, "step": step}))
        for part in range(10)
        for step in range(20)
    ]
    found = curves(task(rows), read_curves(table(rows))[task(rows).place], "t")
    assert len(found) == 8
    assert all(figure.caption.endswith("The curves at 2 more places are left out.") for figure in found)


def test_of_as_many_words_and_numbers_the_numbers_are_the_axis() -> None:
    rows = [row("f/t", "p/x", 0)]
    rows += [
        row("f/t", "p/x", 0, metric="loss", coordinates=json.dumps({"family": family, "step": step}))
        for family in "ab"
        for step in (1, 2)
    ]
    found = curves(task(rows), read_curves(table(rows))[task(rows).place], "t")
    assert [figure.title for figure in found] == ["loss along step, family = a", "loss along step, family = b"]


def test_ticks_that_are_words_stay_in_their_order() -> None:
    rows = [row("f/t", "p/x", 0)]
    rows += [row("f/t", "p/x", 0, metric="loss", coordinates=json.dumps({"split": word})) for word in ("train", "dev")]
    (figure,) = curves(task(rows), read_curves(table(rows))[task(rows).place], "t")
    assert column(figure, "coordinate") == ["train", "dev"]
    assert figure.layout["xaxis"]["type"] == "category"


def test_the_exponent_along_a_parameter_of_the_task() -> None:
    whole = table(results())
    (figure,) = scalings(compare(whole).tasks, parameters(whole, "task"), parameters(whole, "model"))
    for model in MODELS:
        (slope, *others) = column(figure, "slope", model=model)
        assert {slope} == set(others)
        assert column(figure, "slope low", model=model)[0] < slope < column(figure, "slope high", model=model)[0]
    assert figure.layout["xaxis"]["type"] == "log"


def test_the_exponent_along_a_parameter_of_the_model_is_exact_for_a_power_law() -> None:
    rows = [
        row("f/t", f"p/x(k={k})", seed, model="p/x", model_parameters=json.dumps({"k": k}), value=(seed + 1) * k**1.5)
        for k in (1, 2, 4)
        for seed in range(2)
    ]
    (figure,) = scalings(compare(table(rows)).tasks, parameters(table(rows), "task"), parameters(table(rows), "model"))
    assert column(figure, "slope") == pytest.approx([1.5] * 3)


def test_two_values_of_a_parameter_are_no_scaling() -> None:
    rows = [row(f"f/t(n={n})", "p/x", 0, task_parameters=json.dumps({"n": n, "flag": True})) for n in (1, 2)]
    assert not scalings(compare(table(rows)).tasks, parameters(table(rows), "task"), parameters(table(rows), "model"))


def test_the_heat_map_has_ratios_to_the_best() -> None:
    rows = [row(f"f/{t}", f"p/{m}", 0, value=value) for t in "ab" for m, value in (("x", 1.0), ("y", 4.0))]
    figure = heatmap(compare(table(rows)).tasks, "all")
    assert figure.columns == ("task", "p/x", "p/y")
    assert figure.rows == (("f/a", 1.0, 4.0), ("f/b", 1.0, 4.0))


def test_the_heat_map_turns_scores_round() -> None:
    rows = [
        row(f"f/{t}", f"p/{m}", 0, value=value, direction="higher")
        for t in "ab"
        for m, value in (("x", 0.5), ("y", 1.0))
    ]
    assert heatmap(compare(table(rows)).tasks, "all").rows[0][1:] == (1.0, 2.0)  # the best model first


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_values_that_are_not_positive_have_no_ratios(value) -> None:
    rows = [row(f"f/{t}", f"p/{m}", 0, value=value) for t in "ab" for m in "xy"]
    assert heatmap(compare(table(rows)).tasks, "all") is None


def test_a_profile_counts_a_failure_as_never() -> None:
    rows = [row(f"f/{t}", "p/x", 0, value=1.0) for t in "abcd"]
    rows += [row(f"f/{t}", "p/y", 0, value=2.0) for t in "abc"]
    rows += [row("f/d", "p/y", 0, status="failed", metric=None, value=None)]
    (overall,) = compare(table(rows)).overall
    figure = profile(overall, "o")
    assert column(figure, "share of tasks", model="p/x")[-1] == 1.0
    assert column(figure, "share of tasks", model="p/y")[-1] == 0.75


def test_ranks_have_a_bar_for_each_group_that_is_not_told_apart() -> None:
    rows = [row(f"f/{t}", f"p/{m}", 0, value=value) for t in range(30) for m, value in (("x", 1), ("y", 2), ("z", 3))]
    rows += [row(f"f/{t}", "p/zz", 0, value=3.0 + (-1) ** t / 2) for t in range(30)]
    (overall,) = compare(table(rows)).overall
    figure = ranks(overall, "o")
    assert column(figure, "mean rank", kind="model") == [1.0, 2.0, 3.5, 3.5]
    assert column(figure, "mean rank", kind="group") == [3.5, 3.5]


def test_colours_are_as_many_as_lines() -> None:
    rows = [row("f/t", f"p/{index:02}", 0, value=index + 1.0, seconds=100.0 - index) for index in range(SERIES + 4)]
    time, _ = tradeoffs(task(rows), costs(table(rows))[task(rows).place], "t")
    assert len(time.traces) == SERIES + 2  # the front, and the others


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [([1.0, 9.0], "linear"), ([1.0, 10.0], "log"), ([0.0, 100.0], "linear"), ([-1.0, 1.0], "linear"), ([], "linear")],
)
def test_an_axis_is_logarithmic_over_a_decade(numbers, kind) -> None:
    assert axis("x", numbers)["type"] == kind
