"""Rows in MLflow's terms."""

from __future__ import annotations

import json
import posixpath
import re

from hypothesis import given
from hypothesis import strategies as st

from harness.builtin.mlflow_entries import metrics, parameters, tags

ROW = {
    "case": "abc",
    "task": "guessing/guess",
    "task_label": "guessing/guess",
    "model": "guessing/mean",
    "model_label": "guessing/mean",
    "role": "baseline",
    "backend": "cpu",
    "seed": 0,
    "scale": "smoke",
    "status": "ok",
    "error": None,
    "seconds": 1.0,
    "cpu_seconds": None,
    "peak_memory": 5,
    "device_memory": None,
    "attempts": 1,
    "phases": "{}",
    "task_parameters": "{}",
    "model_parameters": "{}",
    "backend_parameters": "{}",
    "metric": None,
    "value": None,
    "coordinates": None,
}


def test_what_is_not_known_is_left_out() -> None:
    assert {name: value for name, value, _ in metrics([ROW])} == {"case/seconds": 1.0, "case/peak_memory": 5.0}
    assert "error" not in tags(ROW)


def test_a_case_that_was_started_again_says_so() -> None:
    assert ("case/attempts", 3.0, 0) in list(metrics([{**ROW, "attempts": 3}]))


def test_the_step_is_a_whole_coordinate_or_the_position() -> None:
    rows = [
        {**ROW, "metric": "loss", "value": 1.0, "coordinates": json.dumps(coordinates)}
        for coordinates in ({"step": 100}, {"step": 0.5}, {"a": 1, "b": 2})
    ]
    assert [step for name, _, step in metrics(rows) if name == "loss"] == [100, 1, 2]


@given(st.text(min_size=1))
def test_any_name_becomes_one_that_mlflow_takes(name) -> None:
    row = {**ROW, "metric": name, "value": 1.0, "phases": json.dumps({name: 1.0})}
    names = [one for one, _, _ in metrics([row])] + list(parameters({**ROW, "model_parameters": json.dumps({name: 1})}))
    for one in names:
        assert re.fullmatch(r"[/\w.\- :]{1,250}", one)
        assert posixpath.normpath(one) == one
        assert not one.startswith(("/", ".."))


@given(st.text())
def test_long_texts_are_cut(text) -> None:
    row = {**ROW, "error": text * 1000, "model_parameters": json.dumps({"name": text * 1000})}
    assert max(map(len, [*tags(row).values(), *parameters(row).values()])) <= 5000
