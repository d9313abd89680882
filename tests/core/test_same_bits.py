"""The metrics of a case depend on nothing but the case."""

from __future__ import annotations

import pytest

import harness
from harness.api import prepare, start

MODELS = ("guessing/mean", "guessing/noisy", {"guessing/constant": {"value": [0.5, 1.5]}})

STOP = """
    from harness import hookimpl

    @hookimpl
    def harness_case_finished(run):
        if sum(run.statuses.values()) == 3:
            raise KeyboardInterrupt
"""


@pytest.fixture
def expected(of, runs, metrics):
    return metrics(harness.run(of(*MODELS, seeds=3), store=runs))


@pytest.mark.parametrize(
    ("suite_keys", "start_keys"),
    [
        ({}, {"jobs": 2}),
        ({}, {"shuffle": 7}),
        ({"isolation": "shared"}, {}),
        ({"isolation": "shared"}, {"jobs": 2}),
    ],
    ids=["two workers", "shuffled", "shared", "shared by two"],
)
def test_order_workers_and_isolation_do_not_matter(suite_keys, start_keys, expected, of, tmp_path, metrics) -> None:
    prepared = prepare(of(*MODELS, seeds=3, **suite_keys), store=tmp_path / "others")
    assert metrics(start(prepared, **start_keys)) == expected


def test_an_interrupted_run_ends_with_the_same(expected, of, install, tmp_path, metrics) -> None:
    others = tmp_path / "others"
    stop = install("stopping", hooks=STOP)
    first = harness.run(of(*MODELS, seeds=3), store=others)
    del stop.harness_case_finished
    second = harness.run(of(*MODELS, seeds=3), store=others)
    assert first.exit_code == 130
    assert 3 <= len(metrics(first)) < len(metrics(second))
    assert (second.frame.reused_from == first.id).sum() == len(metrics(first))
    assert metrics(second) == expected


def test_models_see_the_same_instance(of, runs, metrics) -> None:
    values = metrics(harness.run(of({"guessing/constant": {"value": [0.0002, 0.0001]}}, seeds=2), store=runs))
    small = {key[1:]: value for key, value in values.items() if "0.0001" in key[0]}
    for (label, seed, metric, at), value in values.items():
        if metric == "error-curve":
            assert abs(value - small[seed, metric, at]) <= 0.0001 * (1 + 1e-9), label


def test_seeds_have_different_instances(of, runs, metrics) -> None:
    values = metrics(harness.run(of({"guessing/constant": {"value": 1.0}}, seeds=4), store=runs))
    assert len({value for (_, _, metric, _), value in values.items() if metric == "error"}) == 4
