"""The gate and the series detector do in simulated histories what benchmarks/README.md says of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from harness.speed.decision import Rule, State
from harness.stats.intervals import proportion_interval

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
SEED = 2026
STEADY, ALL = "ABCD", "ABCDEF"


@pytest.fixture
def detectors(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "speed_detectors", raising=False)
    return importlib.import_module("speed_detectors")


def may_be_at_most(count: int, total: int, share: float) -> bool:
    """Whether so many are compatible with a true share of at most so much."""
    return proportion_interval(count, total, 0.99).low <= share


def may_be_at_least(count: int, total: int, share: float) -> bool:
    return may_be_at_most(total - count, total, 1 - share)


def scenario(detectors: ModuleType, letter: str):
    return next(one for one in detectors.SCENARIOS if one.name.startswith(letter))


def gated(detectors: ModuleType, letter: str, step: float, count: int):
    machine = scenario(detectors, letter)
    return detectors.gate(detectors.seeded(SEED, machine, step), Rule(), machine, step, count)


def test_a_history_has_its_step(detectors) -> None:
    quiet = detectors.Scenario("silent", 0, 0)
    samples, at = detectors.history(np.random.default_rng(SEED), quiet, 0.1)
    assert samples.shape == (detectors.COMMITS, detectors.SAMPLES)
    assert np.allclose(samples[:at], 1)
    assert np.allclose(samples[at:], 1.1)
    assert np.allclose(detectors.pairs(np.random.default_rng(SEED), quiet, 0.1, (3, 8)), np.log(1.1))


def test_all_detectors_see_a_plain_step(detectors) -> None:
    quiet = detectors.Scenario("quiet", 1e-3, 1e-4)
    for detector in detectors.DETECTORS:
        if detector.alarms is not detectors.otava:
            assert detectors.found(np.random.default_rng(SEED), detector, quiet, 0.2, 3) == 3


def test_a_gate_counts_the_pairs_of_both_measurements(detectors) -> None:
    assert set(gated(detectors, "A", 0, 50).pairs) == {8}
    slowed = gated(detectors, "A", 0.1, 50)
    assert slowed.share(State.REGRESSION) == 1
    assert set(slowed.pairs) == {24}


@pytest.mark.slow
@pytest.mark.parametrize("letter", ALL)
def test_the_gate_hardly_ever_alarms_without_a_step(detectors, letter: str) -> None:
    histories = 100
    made = gated(detectors, letter, 0, histories * detectors.GATES)
    alarms = np.array([state is State.REGRESSION for state in made.states]).reshape(histories, -1).any(axis=1)
    assert may_be_at_most(int(alarms.sum()), histories, 0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("letters", "step", "share"), [(STEADY, 0.05, 0.95), (ALL, 0.10, 0.90)])
def test_the_gate_finds_steps_at_their_commit(detectors, letters: str, step: float, share: float) -> None:
    for letter in letters:
        found = gated(detectors, letter, step, 300).states.count(State.REGRESSION)
        assert may_be_at_least(found, 300, share), letter


@pytest.mark.slow
def test_the_series_detector_is_quiet_and_finds_steps_of_ten_percent(detectors) -> None:
    for letter in STEADY:
        machine = scenario(detectors, letter)
        alarms, found = (
            detectors.found(detectors.seeded(SEED, machine, step), detectors.TRACKER, machine, step, 60)
            for step in (0, 0.10)
        )
        assert may_be_at_most(alarms, 60, 0.005), letter
        assert may_be_at_least(found, 60, 0.95), letter
