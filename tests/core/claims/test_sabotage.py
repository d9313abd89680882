"""What sabotage does, and which checks see through it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from harness.checks.check import Judged
from harness.checks.evidence import Cell, Evidence, Point
from harness.checks.measured import difference, measured, rank, ratio
from harness.checks.verdict import Finding, Judgement, Verdict
from harness.claims.sabotage import sabotages, self_test
from harness.claims.tampering import displaced, noisy, replaced, swapped, thinned, tilted, worse


def cell(model: str, seed: int, value: float, status: str = "ok", **settings) -> Cell:
    role = "construction" if model == "a/x" else "baseline"
    values = {"cost": [Point(value)], "score": [Point(-value)]} if status == "ok" else {}
    return Cell("t/t", model, role, seed, settings, status, values)


def evidence(*cells: Cell) -> Evidence:
    return Evidence(cells, {"cost": "lower", "score": "higher"})


def results(x: float = 1.0, y: float = 4.0, z: float = 5.0, seeds: int = 5) -> Evidence:
    """Three models, with a little noise."""
    rng = np.random.default_rng(0)
    heights = {"a/x": x, "a/y": y, "a/z": z}
    return evidence(*[cell(m, s, h * rng.uniform(0.99, 1.01)) for m, h in heights.items() for s in range(seeds)])


def costs(given: Evidence, model: str) -> list[float]:
    return [one.values["cost"][0].value for one in given.cells if one.model == model]


def test_swapped_models_have_each_others_results() -> None:
    given = results()
    found = swapped(given, "a/x", "a/y")
    assert (costs(found, "a/x"), costs(found, "a/y")) == (costs(given, "a/y"), costs(given, "a/x"))
    assert costs(found, "a/z") == costs(given, "a/z")
    assert [(one.model, one.seed, one.role) for one in found.cells] == [(o.model, o.seed, o.role) for o in given.cells]


def test_a_replaced_model_has_the_others_results() -> None:
    given = results()
    found = replaced(given, "a/x", "a/y")
    assert costs(found, "a/x") == costs(found, "a/y") == costs(given, "a/y")


def test_the_result_comes_from_the_likest_cell() -> None:
    others = [cell("a/y", seed, 10.0 * m + seed, m=m, tie="low") for m in (1, 2) for seed in (0, 1)]
    found = replaced(evidence(cell("a/x", 1, 0.0, m=2), *others), "a/x", "a/y")
    assert costs(found, "a/x") == [21.0]


def test_what_ended_otherwise_or_has_no_counterpart_stays() -> None:
    given = evidence(cell("a/x", 0, 1.0, "timeout"), cell("a/x", 1, 1.0))
    assert tuple(replaced(given, "a/x", "a/y").cells) == given.cells
    assert replaced(evidence(*given.cells, cell("a/y", 0, 2.0)), "a/x", "a/y").cells[0] == given.cells[0]


@given(st.floats(-1e300, 1e300), st.integers(0, 99))
def test_noise_makes_every_value_worse_and_none_infinite(value, seed) -> None:
    given = evidence(cell("a/x", 0, value), cell("a/y", 0, 1e-300))
    (changed, other) = noisy(given, given.cells[:1], np.random.default_rng(seed)).cells
    assert changed.values["cost"][0].value >= value
    assert changed.values["score"][0].value <= -value
    assert all(np.isfinite(points[0].value) for points in changed.values.values())
    assert other == given.cells[1]


def test_noise_is_as_large_as_the_range_of_the_metric() -> None:
    given = evidence(*[cell("a/x", seed, 10.0 ** (seed % 4)) for seed in range(400)])
    after = noisy(given, given.cells, np.random.default_rng(0))
    steps = np.log10(np.divide(costs(after, "a/x"), costs(given, "a/x")))
    assert steps.std() / np.sqrt(1 - 2 / np.pi) == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(("power", "expected"), [(1, [4.0, 8.0, 7.0]), (-1, [1.0, 0.5, 7.0])])
def test_what_is_tilted_grows_by_a_power_of_the_setting(power, expected) -> None:
    given = evidence(*[cell("a/x", 0, 2.0, m=m) for m in (2, 4)], cell("a/x", 0, 7.0, m="none"))
    assert costs(tilted(given, given.cells, "m", power), "a/x") == expected


def test_all_of_what_is_worse_is_so_by_the_same_factor() -> None:
    given = results()
    after = worse(given, given.cells[:5])
    factors = np.divide(costs(after, "a/x"), costs(given, "a/x"))
    assert factors == pytest.approx(factors[0])
    assert factors[0] > 100
    assert costs(after, "a/y") == costs(given, "a/y")


def curves(*values: float) -> Evidence:
    """A curve over `step` for each of three seeds."""
    points = [Point(value, {"step": step}) for step, value in enumerate(values)]
    return evidence(*[replace(cell("a/x", seed, 0.0), values={"cost": points}) for seed in range(3)])


def test_what_is_displaced_is_half_a_curve_away() -> None:
    given = curves(1, 2, 3, 4, 5)
    first, *_ = displaced(given, given.cells).cells
    assert [(point.value, point.coordinates["step"]) for point in first.values["cost"]] == [
        (3, 0),
        (4, 1),
        (5, 2),
        (1, 3),
        (2, 4),
    ]


def test_a_check_of_where_a_curve_is_lowest_sees_it_elsewhere() -> None:
    lowest = measured("cost", "a/x", step=1).mean(over="seed")
    others = measured("cost", "a/x", step=[0, 2, 3]).mean(over="seed").smallest(over="step")
    test = self_test((lowest / others).at_most(1), curves(5, 1, 6, 9))
    assert (test.passed, test.trials[-1].sabotage) == (True, "displaced")


def growing(power: float) -> Evidence:
    """Costs of one model that grow by a power of m."""
    rng = np.random.default_rng(0)
    return evidence(*[cell("a/x", s, m**power * rng.uniform(0.9, 1.1), m=m) for m in (4, 16, 64) for s in range(4)])


@pytest.mark.parametrize(
    "check",
    [
        measured("cost", "a/x").slope(over="m").within(0.4, 0.65),
        measured("cost", "a/x").slope(over="m").at_most(0.75),
        measured("cost", "a/x").growth(over="m").each().at_least(1.5),
        measured("cost", "a/x").rises("m"),
    ],
    ids=str,
)
def test_a_check_of_growth_sees_another_growth(check) -> None:
    assert self_test(check, growing(0.5)).complaint == ""


@pytest.mark.parametrize("seeds", range(2, 21))
def test_a_mean_far_inside_its_bound_passes_whatever_the_number_of_seeds(seeds) -> None:
    assert self_test(measured("cost", "a/x").at_most(1.5), results(seeds=seeds)).complaint == ""


@given(st.integers(1, 4), st.integers(1, 3))
def test_of_thinned_results_a_seed_or_half_of_the_cells_is_left(seeds, models) -> None:
    given = evidence(*[cell(f"a/{m}", seed, 1.0) for m in range(models) for seed in range(seeds)])
    left = [one for one in thinned(given, given.cells).cells if one.status == "ok"]
    assert {one.seed for one in left} <= {0}
    assert len(left) == (models if seeds > 1 else models // 2)
    assert len(thinned(given, given.cells).cells) == len(given.cells)


def test_only_what_is_compared_is_exchanged() -> None:
    always = ["noise 0", "noise 1", "noise 2", "worse"]
    names = [name for name, *_ in sabotages(ratio("cost", "a/x", "a/y").at_most(0.5), results())]
    assert names == ["swapped: a/x and a/y", "replaced: a/x by a/y", *always]
    assert [name for name, *_ in sabotages(ratio("cost", "a/x", "a/y").at_most(1), results())] == always


BEATS = ratio("cost", "a/x", "a/y").at_most(0.5)


@pytest.mark.parametrize(
    "check",
    [
        BEATS,
        BEATS & ratio("cost", "a/x", "a/z").at_most(0.5),
        BEATS | ratio("cost", "a/x", "a/z").at_most(0.5),
        difference("cost", "a/x", "a/y").each().at_most(-1),
        difference("score", "a/x", "a/y").more_than(0),
        ratio("cost", "a/x", "a/y").at_most(1.03),
        measured("cost", "a/x").each().at_most(1.5),
        measured("cost", "a/x").at_most(1.5),
        measured("cost", "a/y").within(3, 5),
        rank("cost", "a/x", ["a/x", "a/y", "a/z"]).at_most(1),
        (measured("cost", "a/x") / measured("cost", ["a/y", "a/z"]).smallest(over="model")).at_most(0.5),
        measured("cost", "a/x").mean(over="seed").at_most(1.5),
        measured("cost", "a/x").share(0.8).at_most(1.5),
    ],
    ids=lambda check: type(check).__name__,
)
def test_a_good_check_passes(check) -> None:
    test = self_test(check, results())
    assert test.honest is Verdict.HELD
    assert test.complaint == ""
    assert test.passed


def wrong_model(evidence: Evidence) -> Judgement:
    """Means to look at `a/x`, but takes the first cells there are."""
    values = [one.values["cost"][0].value for one in sorted(evidence.cells, key=lambda one: one.model)[-5:]]
    verdict = Verdict.HELD if max(values) < 6 else Verdict.FAILED
    return Judgement(verdict, (Finding("cost", verdict, "< 6"),))


def blind(evidence: Evidence) -> Judgement:
    """Counts cells."""
    return Judgement(Verdict.HELD if evidence.cells else Verdict.FAILED)


X, Y = measured("cost", "a/x"), measured("cost", "a/y")


@pytest.mark.parametrize(
    ("check", "complaint"),
    [
        (measured("cost").each().at_least(0), "still holds with results noise 0, noise 1, noise 2, worse"),
        (X.rank_correlation(over="seed").each().within(-1, 1), "still holds with results tilted along seed, noise 0"),
        (Judged(blind, (X,)), "still holds with results noise 0"),
        (Judged(wrong_model, (X, Y), ((("a/x",), ("a/y",)),)), "still holds with results swapped: a/x and a/y"),
        (X.at_most(2) | measured("cost").each().at_least(0), "still holds with results noise 0"),
        (Judged(lambda _: Judgement(Verdict.INCONCLUSIVE), (X,)), "no sabotage makes it fail"),
        ((X.each().at_most(2)) & measured("cost", "a/typo").at_most(1), "no sabotage makes it fail"),
    ],
)
def test_a_check_that_cannot_fail_is_refused(check, complaint) -> None:
    test = self_test(check, results())
    assert not test.passed
    assert test.complaint.startswith(complaint)


def test_a_check_that_judges_too_little_is_refused() -> None:
    def hasty(evidence: Evidence) -> Judgement:
        good = all(one.values["cost"][0].value < 2 for one in X.cells(evidence) if one.values)
        full = sum(one.status == "ok" for one in evidence.cells) == len(evidence.cells)
        return Judgement(Verdict.HELD if good and full else Verdict.FAILED)

    assert self_test(Judged(hasty, (X,)), results()).complaint == "is failed with too little data"


def test_what_fails_honestly_need_not_be_made_to_fail() -> None:
    test = self_test(ratio("cost", "a/y", "a/x").at_most(0.5), results())
    assert (test.honest, test.passed) == (Verdict.FAILED, True)


def test_the_same_sabotage_comes_every_time() -> None:
    assert self_test(BEATS, results()) == self_test(BEATS, results())
    noise = [given for name, given, *_ in sabotages(BEATS, results()) if name.startswith("noise")]
    assert all(costs(one, "a/x") != costs(other, "a/x") for one, other in pairwise(noise))


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=2, max_size=5), st.floats(0.1, 0.95))
def test_results_of_the_other_model_never_beat_it(pairs, bound) -> None:
    sides = [(model, seed, pair[side]) for seed, pair in enumerate(pairs) for side, model in enumerate(("a/x", "a/y"))]
    trials = self_test(ratio("cost", "a/x", "a/y").at_most(bound), evidence(*[cell(*side) for side in sides])).trials
    assert all(trial.verdict is Verdict.FAILED for trial in trials if trial.sabotage.startswith("replaced"))
