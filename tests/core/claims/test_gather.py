"""From the results of a run to evidence."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from harness.claims.gather import COLUMNS, evidence, seconds_spent
from harness.plan.case import Case
from harness.registry.catalogue import Component
from harness.suite.suite import CaseLimits, Choice


def choice(name: str, role: str | None = None, **values) -> Choice:
    return Choice(name, Component(name, None, int, role), values, values)


@pytest.fixture
def case():
    """A case by its seed, with parameters of task and model."""

    def make(seed: int = 0, task=None, model=None) -> Case:
        chosen = choice("t/task", **(task or {})), choice("m/model", "construction", **(model or {})), choice("cpu")
        return Case(*chosen, seed, "claim", ("m",), CaseLimits(1.0, None), "process", None)

    return make


def table(*rows: dict) -> pa.Table:
    full = [{**dict.fromkeys(COLUMNS), "status": "ok", "direction": "lower", **row} for row in rows]
    return pa.Table.from_pylist(full, schema=pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS]))


_TYPES = {"value": pa.float64(), "seconds": pa.float64()}


def test_a_curve_keeps_its_places_and_a_number_has_none(case) -> None:
    one = case()
    rows = [{"metric": "curve", "value": float(k), "coordinates": json.dumps({"step": k})} for k in (1, 2)]
    found = evidence([one], table(*[{"key": one.key, **row} for row in (*rows, {"metric": "m", "value": 9.0})]))
    (cell,) = found.cells
    assert [(point.value, point.coordinates) for point in cell.values["curve"]] == [
        (1.0, {"step": 1}),
        (2.0, {"step": 2}),
    ]
    assert [(point.value, point.coordinates) for point in cell.values["m"]] == [(9.0, {})]
    assert (cell.task, cell.model, cell.role, cell.seed) == ("t/task", "m/model", "construction", 0)
    assert found.directions == {"curve": "lower", "m": "lower"}


def test_a_failure_is_a_row_without_a_metric(case) -> None:
    late, lost, good = case(0), case(1), case(2)
    rows = [
        {"key": late.key, "status": "timeout", "error": "10 s", "direction": None},
        {"key": good.key, "metric": "m"},
    ]
    cells = evidence([late, lost, good], table(*rows)).cells
    assert [(cell.status, cell.error, list(cell.values)) for cell in cells] == [
        ("timeout", "10 s", []),
        ("not run", "", []),
        ("ok", "", ["m"]),
    ]


def test_rows_of_other_claims_are_left_out(case) -> None:
    mine, other = case(0), case(1)
    rows = [{"key": other.key, "metric": "theirs", "value": 1.0}]
    found = evidence([mine], table(*rows))
    assert (found.directions, found.cells[0].status) == ({}, "not run")


@pytest.mark.parametrize(
    ("task", "model", "settings"),
    [
        ({"n": 2}, {"k": 3.5}, {"n": 2, "k": 3.5}),
        ({"n": 2}, {"n": 3}, {"n": 2, "model.n": 3}),
        ({"seed": 1, "task": "x"}, {"model": "y"}, {"task.seed": 1, "task.task": "x", "model.model": "y"}),
        ({"backend": "b"}, {}, {"task.backend": "b"}),
        ({"flag": True, "none": None}, {}, {"flag": True, "none": None}),
        ({"widths": (1, 2)}, {}, {"widths": "[1, 2]"}),
    ],
)
def test_settings_keep_their_names_unless_these_are_taken(task, model, settings, case) -> None:
    one = case(task=task, model=model)
    assert evidence([one], table()).cells[0].settings == {"backend": one.backend.label, **settings}


def test_time_is_that_of_each_case_once(case) -> None:
    one, two, other = case(0), case(1), case(2)
    rows = [
        {"key": one.key, "metric": "a", "seconds": 2.0},
        {"key": one.key, "metric": "b", "seconds": 2.0},
        {"key": two.key, "seconds": None},
        {"key": other.key, "seconds": 50.0},
    ]
    assert seconds_spent([one, two], table(*rows)) == 2.0
