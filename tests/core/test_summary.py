"""Rankings, and the tables that show them."""

from __future__ import annotations

import io
import math

import pyarrow as pa
import pytest
from rich.console import Console
from scipy import stats

from harness.store.rows import SCHEMA
from harness.summary import summarize
from harness.tables import duration, print_summaries, size


def rows(model: str, *found: float | str | None, metric: str = "error", **more) -> list[dict]:
    """A row per seed: a number is a value, a word the status of a case that has none."""
    return [
        {
            "case": f"{model} {seed}",
            "task_label": "a/task",
            "model_label": model,
            "role": "baseline",
            "backend_label": "cpu",
            "scale": "smoke",
            "seed": seed,
            "status": value if isinstance(value, str) else "ok",
            "metric": None if isinstance(value, str) else metric,
            "unit": "s",
            "direction": "lower",
            "value": None if isinstance(value, str) else value,
            "seconds": 1.0,
            **more,
        }
        for seed, value in enumerate(found)
    ]


def summary(*groups: list[dict]):
    (only,) = summarize(pa.Table.from_pylist([row for group in groups for row in group], schema=SCHEMA))
    return only


def shown(*groups: list[dict]) -> str:
    out = io.StringIO()
    print_summaries([summary(*groups)], Console(file=out, width=160, force_terminal=True, highlight=False))
    return out.getvalue()


def test_one_value_has_no_interval() -> None:
    (line,) = summary(rows("a/x", 1.0)).lines
    assert line.estimates[0].half_width is None


def test_the_mean_is_over_the_seeds() -> None:
    (line,) = summary(rows("a/x", 1.0, 2.0, 6.0)).lines
    (estimate,) = line.estimates
    assert (estimate.mean, estimate.count) == (3.0, 3)


@pytest.mark.parametrize(("direction", "order"), [("lower", ["a/x", "a/y"]), ("higher", ["a/y", "a/x"])])
def test_the_direction_ranks(direction, order) -> None:
    found = summary(rows("a/y", 2.0, direction=direction), rows("a/x", 1.0, direction=direction))
    assert [line.model for line in found.lines] == order
    assert [line.place for line in found.lines] == [(1, 2), (1, 2)]  # of one instance nothing is certain


def test_places_are_those_that_the_tests_leave() -> None:
    found = summary(rows("a/x", 1.0, 2.0), rows("a/y", 1.0, 2.0), rows("a/z", 2.0, 4.0))
    assert [line.place for line in found.lines] == [(1, 2), (1, 2), (3, 3)]


def test_constructions_are_set_beside_the_best_baseline() -> None:
    new = [rows(f"a/new{index}", 1.0, 2.0, role="construction") for index in range(4)]
    found = summary(*new, rows("a/old", 2.0, 4.0), rows("a/older", 3.0, 6.0))
    assert len(found.sentences) == 3
    assert found.sentences[0].startswith("a/new0 beats a/old by a factor of 2")
    assert found.sentences[0] in shown(*new, rows("a/old", 2.0, 4.0), rows("a/older", 3.0, 6.0))


def test_equals_stand_in_the_order_of_the_next_metric() -> None:
    slow = rows("a/slow", 1.0) + rows("a/slow", 9.0, metric="seconds-taken")
    fast = rows("a/zippy", 1.0) + rows("a/zippy", 3.0, metric="seconds-taken")
    found = summary(slow, fast)
    assert [line.model for line in found.lines] == ["a/zippy", "a/slow"]


def test_references_and_failures_are_not_ranked() -> None:
    found = summary(rows("a/exact", 0.0, role="reference"), rows("a/broken", "crashed"), rows("a/x", 1.0))
    assert [line.model for line in found.lines] == ["a/x", "a/broken", "a/exact"]
    assert [line.place for line in found.lines] == [(1, 1), None, None]


def test_failures_are_counted_and_never_in_a_mean() -> None:
    (line,) = summary(rows("a/x", 1.0, "timeout", 3.0, "failed", "timeout")).lines
    assert line.statuses == {"ok": 2, "timeout": 2, "failed": 1}
    assert line.failures == "2 timeout, 1 failed"
    assert [(estimate.mean, estimate.count) for estimate in line.estimates] == [(2.0, 2)]
    assert line.seconds == 1.0


def test_curves_are_named_and_not_averaged() -> None:
    found = summary(rows("a/x", 1.0), rows("a/x", 5.0, metric="curve", coordinates='{"step": 1}'))
    assert found.curves == ("curve",)
    assert [estimate.metric for estimate in found.lines[0].estimates] == ["error"]


def test_tasks_scales_and_backends_are_summaries_of_their_own() -> None:
    groups = [rows("a/x", 1.0), rows("a/x", 1.0, scale="claim"), rows("a/x", 1.0, backend_label="cuda")]
    table = pa.Table.from_pylist([row for group in groups for row in group], schema=SCHEMA)
    found = [(one.task, one.scale, one.backend) for one in summarize(table)]
    assert found == [("a/task", "smoke", "cpu"), ("a/task", "claim", "cpu"), ("a/task", "smoke", "cuda")]


@pytest.mark.parametrize("name", ["[red]a/x[/red]", "[link=https://example.org]a/x", "a/x[/]", "a/x\\", "[bold"])
@pytest.mark.parametrize("role", ["construction", "baseline", "reference"])
def test_markup_in_names_is_shown_as_it_is(name, role) -> None:
    assert name in shown(rows(name, 1.0, role=role)).replace("\x1b[1m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize("escape", ["\x1b[31m", "\x1b]0;title\x07", "\r", "\x9b31m"])
@pytest.mark.parametrize("column", ["task_label", "model_label", "metric", "unit"])
def test_control_characters_in_names_do_nothing(escape, column) -> None:
    plain, hostile = (shown(rows("a/x", 1.0, **{column: text})) for text in ("evil", f"{escape}evil"))
    assert escape not in hostile
    assert [hostile.count(control) for control in "\x1b\x07\x9b"] == [
        plain.count(control) for control in "\x1b\x07\x9b"
    ]


def test_a_table_shows_mean_interval_and_failures() -> None:
    text = shown(rows("a/x", 1.0, 2.0, "timeout"), rows("a/y", 0.5))
    half = stats.t.interval(0.95, 1, loc=0, scale=stats.sem([1.0, 2.0]))[1]
    assert f"1.5 ± {half:.2g}" in text
    assert "1 timeout" in text
    assert text.index("a/y") < text.index("a/x")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (2e-6, "2 µs"), (0.25, "250 ms"), (1.5, "1.5 s"), (300.0, "5 min"), (9000.0, "2.5 h")],
)
def test_durations_have_a_unit(seconds, text) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(None, "-"), (1.5e6, "1.5 MB"), (2.5e9, "2.5 GB")])
def test_sizes_have_a_unit(count, text) -> None:
    assert size(count) == text
    assert count is None or math.isfinite(count)
