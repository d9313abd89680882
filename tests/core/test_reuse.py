"""What is up to date is reused; what is not runs again, and the reason is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import harness
from harness.api import prepare

MODELS = ("guessing/mean", "guessing/shifted")


def reasons(path: Path, runs: Path, **options) -> dict[str, str]:
    """For each model why it would run, or `reused`."""
    plan = prepare(path, store=runs, **options).plan
    return {planned.case.model.name: planned.reason if planned.to_run else "reused" for planned in plan}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_second_run_starts_no_process(of, runs, metrics, monkeypatch) -> None:
    first = harness.run(of(*MODELS), store=runs)
    monkeypatch.delattr("harness.execution.local.Server")
    second = harness.run(of(*MODELS), store=runs)
    assert metrics(second) == metrics(first)
    assert set(second.frame.reused_from) == {first.id}
    assert first.frame.reused_from.isna().all()


def test_a_case_that_never_ran_is_new(of, runs) -> None:
    harness.run(of("guessing/mean"), store=runs)
    assert reasons(of(*MODELS), runs) == {"guessing/mean": "reused", "guessing/shifted": "new"}


def test_fresh_runs_everything(of, runs) -> None:
    first = harness.run(of("guessing/mean"), store=runs)
    assert reasons(of(*MODELS), runs, fresh=True) == {"guessing/mean": "asked for afresh", "guessing/shifted": "new"}
    assert harness.run(of("guessing/mean"), store=runs, fresh=True).frame.reused_from.isna().all()
    assert first.exit_code == 0


def test_results_outlive_the_run_that_made_them(of, runs) -> None:
    first = harness.run(of("guessing/mean"), store=runs)
    harness.run(of("guessing/mean"), store=runs)
    shutil.rmtree(first.directory)
    third = harness.run(of("guessing/mean"), store=runs)
    assert set(third.frame.reused_from) == {first.id}


def test_failed_cases_run_again(of, runs) -> None:
    path = of("guessing/mean", {"guessing/naughty": {"how": "nan"}})
    harness.run(path, store=runs)
    assert reasons(path, runs) == {"guessing/mean": "reused", "guessing/naughty": "was invalid"}


def test_another_set_of_metrics_is_another_case(of, runs) -> None:
    matrix = {"tasks": ["guessing/guess"], "models": ["guessing/mean"]}
    harness.run(of(matrix=[{**matrix, "metrics": ["error"]}]), store=runs)
    path = of(matrix=[{**matrix, "metrics": ["error", "reciprocal"]}])
    assert reasons(path, runs) == {"guessing/mean": "other metrics or another machine"}


@pytest.mark.parametrize(
    ("task", "expected"),
    [("guessing/guess", "reused"), ("guessing/timed-guess", "other metrics or another machine")],
)
def test_speeds_belong_to_a_machine(task, expected, of, runs, monkeypatch) -> None:
    path = of("guessing/mean", tasks=[task])
    harness.run(path, store=runs)
    assert reasons(path, runs) == {"guessing/mean": "reused"}
    monkeypatch.setattr("harness.plan.planner.machine_fingerprint", lambda: "another")
    assert reasons(path, runs) == {"guessing/mean": expected}


EDITED = {
    "plain": """
        from harness import Paper
        from toy_papers.guessing import Mean as Plain

        class Even:
            def guess(self, values, context):
                return 1.0

        paper = Paper(title="Plain", year=2026, venue="tests", constructions=[Even])
    """,
    "helped": """
        from harness import Paper
        from ._helper import half

        class Helped:
            '''Is helped.'''

            def guess(self, values, context):
                return half()

        paper = Paper(title="Helped", year=2026, venue="tests", constructions=[Helped])
    """,
    "_helper": "def half():\n    return 0.5\n",
    "_more": "NOTHING = 0\n",
}


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("_helper.py", "return 0.5", "return 0.25", "source changed: edited._helper"),
        ("_helper.py", "return 0.5", "return (0.5)  # half", "reused"),
        ("_helper.py", "half():", 'half():\n    """A half."""', "reused"),
        ("_more.py", "0", "1", "reused"),
        ("helped.py", "return half()", "return 2 * half()", "source changed: edited.helped"),
        ("helped.py", 'title="Helped"', 'title="Other words"', "reused"),
        ("_helper.py", "def", "from . import _more\n\ndef", "now imports edited._more"),
    ],
)
def test_an_edit_reruns_what_it_reaches(file, old, new, expected, install, of, runs, tmp_path) -> None:
    install("edited", papers=EDITED)
    path = of("plain/even", "helped/helped")
    harness.run(path, store=runs)
    edit(tmp_path / "site" / "edited" / file, old, new)
    told = reasons(path, runs)
    assert told["plain/even"] == "reused"
    assert expected in told["helped/helped"]


def test_an_edited_case_has_the_new_value(toys_copy, of, tmp_path, metrics) -> None:
    path, runs = of("guessing/shifted"), tmp_path / "runs"
    values = []
    for new in ("return 0.5", "return 0.25"):
        edit(toys_copy / "_helper.py", "return 0.5", new)
        values.append(metrics(harness.run(path, store=runs))["guessing/shifted", 0, "error", None])
    assert values == pytest.approx([0.5, 0.25], abs=1e-12)


def test_a_version_that_changes_is_named(of, runs, monkeypatch) -> None:
    harness.run(of("guessing/mean"), store=runs)
    monkeypatch.setattr("harness.plan.planner.versions", lambda _: {"numpy": "99"})
    assert "numpy none -> 99" in reasons(of("guessing/mean"), runs)["guessing/mean"]
