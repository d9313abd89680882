"""From values to findings: intervals, several settings, single seeds, and how often a verdict is wrong."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from harness.checks.measured import difference, measured, ratio
from harness.checks.verdict import Verdict
from harness.stats.intervals import geometric_mean_interval, mean_interval

HELD, FAILED, INCONCLUSIVE = Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE
X, Y = measured("cost", "a/x"), measured("cost", "a/y")
NUMBERS = st.floats(0.125, 8)
SAMPLES = st.lists(NUMBERS, min_size=2, max_size=6)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=6)


def ends(finding) -> tuple[float, float, float]:
    return finding.estimate, finding.low, finding.high


@given(SAMPLES)
def test_a_mean_has_its_t_interval(seeds, values) -> None:
    (finding,) = X.at_most(1).judge(seeds(x=values)).findings
    expected = mean_interval(values)
    assert ends(finding) == (expected.estimate, expected.low, expected.high)
    assert finding.margin == 1 - expected.estimate


@given(PAIRS)
def test_a_ratio_has_its_interval_on_logarithms(seeds, pairs) -> None:
    x, y = zip(*pairs, strict=True)
    (finding,) = ratio("cost", "a/x", "a/y").at_most(1).judge(seeds(x=x, y=y)).findings
    expected = geometric_mean_interval([one / other for one, other in pairs])
    assert ends(finding) == pytest.approx((expected.estimate, expected.low, expected.high), rel=1e-12)


@given(SAMPLES)
def test_a_mean_that_is_taken_inside_has_the_same_interval(seeds, values) -> None:
    (direct,) = X.at_most(1).judge(seeds(x=values)).findings
    (inside,) = X.mean(over="seed").at_most(1).judge(seeds(x=values)).findings
    assert ends(inside) == pytest.approx(ends(direct), rel=1e-6, abs=1e-9)


@given(PAIRS)
def test_a_geometric_mean_that_is_taken_inside_has_the_same_interval(seeds, pairs) -> None:
    x, y = zip(*pairs, strict=True)
    given = seeds(x=x, y=y)
    (direct,) = (X / Y).at_most(1).judge(given).findings
    (inside,) = (X / Y).mean(over="seed").at_most(1).judge(given).findings
    assert ends(inside) == pytest.approx(ends(direct), rel=1e-6)


@given(PAIRS)
def test_a_difference_of_means_is_paired(seeds, pairs) -> None:
    x, y = zip(*pairs, strict=True)
    given = seeds(x=x, y=y)
    (paired,) = (X - Y).at_most(0).judge(given).findings
    (inside,) = (X.mean(over="seed") - Y.mean(over="seed")).at_most(0).judge(given).findings
    assert ends(inside) == pytest.approx(ends(paired), rel=1e-6, abs=1e-9)


def test_a_ratio_of_means_is_near_its_linear_error(seeds) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(10, 1, 400), rng.normal(20, 1, 400)
    (found,) = (X.mean(over="seed") / Y.mean(over="seed")).at_most(1).judge(seeds(x=x, y=y)).findings
    error = math.hypot(0.1, 0.05) / 20  # relative errors of independent means add in squares
    assert math.log(found.high / found.low) == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.estimate == pytest.approx(x.mean() / y.mean())


@given(SAMPLES, NUMBERS, st.floats(0.25, 4), st.floats(-5, 5))
def test_units_do_not_matter(seeds, values, bound, scale, shift) -> None:
    moved = [scale * value + shift for value in values]
    (one,) = X.at_most(bound).judge(seeds(x=values)).findings
    (other,) = X.at_most(scale * bound + shift).judge(seeds(x=moved)).findings
    assert ends(other) == pytest.approx([scale * end + shift for end in ends(one)], rel=1e-6, abs=1e-6)
    if min(abs(bound - end) for end in ends(one)) > 1e-3:
        assert one.verdict is other.verdict


@given(PAIRS, st.floats(0.125, 8))
def test_exchanging_the_sides_of_a_ratio_inverts_it(seeds, pairs, bound) -> None:
    x, y = zip(*pairs, strict=True)
    given = seeds(x=x, y=y)
    (one,) = (X / Y).at_most(bound).judge(given).findings
    (other,) = (Y / X).at_least(1 / bound).judge(given).findings
    estimate, low, high = ends(one)
    assert ends(other) == pytest.approx((1 / estimate, 1 / high, 1 / low), rel=1e-6)
    if min(abs(end / bound - 1) for end in ends(one)) > 1e-6:
        assert one.verdict is other.verdict


@given(PAIRS, st.randoms())
def test_the_order_of_cells_does_not_matter(evidence, seeds, pairs, random) -> None:
    x, y = zip(*pairs, strict=True)
    given = seeds(x=x, y=y)
    shuffled = list(given.cells)
    random.shuffle(shuffled)
    check = (X / Y).at_most(1) & X.at_most(2) & X.mean(over="seed").at_least(0.5)
    assert check.judge(evidence(*shuffled)) == check.judge(given)


@given(st.sampled_from([3.0, 5.0, 0.1, 10.0, 7e-9]), st.sampled_from(["direct", "inside"]))
def test_an_exact_ratio_on_its_bound_stays_there(seeds, value, way) -> None:
    given = seeds(x=[value] * 3, y=[1.0] * 3)
    quantity = X / Y if way == "direct" else X.mean(over="seed") / Y.mean(over="seed")
    assert quantity.at_most(value).judge(given).verdict is HELD
    assert quantity.at_least(value).judge(given).verdict is HELD
    assert quantity.less_than(value).judge(given).verdict is FAILED


@pytest.mark.parametrize(
    "check", [X.at_most(5), (X / Y).at_most(5), X.mean(over="seed").at_most(5), (X / Y).mean(over="seed").at_most(5)]
)
def test_a_single_seed_decides_nothing(check, seeds) -> None:
    judged = check.judge(seeds(x=[1.0], y=[1.0]))
    assert judged.verdict is INCONCLUSIVE
    assert "a single seed bounds nothing" in judged.findings[0].reason
    assert (judged.findings[0].low, judged.findings[0].high) == (None, None)


def test_a_single_seed_is_enough_for_single_values(seeds) -> None:
    assert X.each().equals(1).judge(seeds(x=[1.0])).verdict is HELD


def test_each_setting_has_to_hold(cell, evidence) -> None:
    cells = [
        cell(height + noise, seed=seed, m=m) for m, height in ((1, 1), (2, 9)) for seed, noise in enumerate((0, 0.1))
    ]
    judged = X.at_most(5).judge(evidence(*cells))
    assert [(finding.what, finding.verdict) for finding in judged.findings] == [
        ("cost of a/x at m=1", HELD),
        ("cost of a/x at m=2", FAILED),
    ]
    assert judged.verdict is FAILED


def test_a_setting_that_rests_on_one_seed_cannot_be_left_out(cell, evidence) -> None:
    given = evidence(cell(1.0, seed=0, m=1), cell(1.0, seed=1, m=1), cell(1.0, seed=0, m=2))
    assert "rests on a single seed" in X.mean(over="seed").at_most(2).attempt(given).reason


def test_parts_with_different_seeds_are_not_put_together(cell, evidence) -> None:
    given = evidence(*[cell(1.0 + seed, "a/x", seed) for seed in range(3)], cell(1.0, "a/y"), cell(2.0, "a/y", 1))
    judged = (X.mean(over="seed") / Y.mean(over="seed")).at_most(9).attempt(given)
    assert (judged.verdict, "different seeds" in judged.reason) == (INCONCLUSIVE, True)


def test_a_ratio_without_a_logarithm_cannot_be_averaged(seeds) -> None:
    judged = (X / Y).at_most(1).attempt(seeds(x=[0, 1], y=[1, 1]))
    assert (judged.verdict, "logarithm of 0" in judged.reason) == (INCONCLUSIVE, True)


@pytest.mark.parametrize(
    ("check", "verdict", "what", "estimate", "reason"),
    [
        (X.each().at_most(4), HELD, "cost of a/x, worst of 4, at seed=3", 4, ""),
        (X.each().at_most(3), FAILED, "cost of a/x, worst of 4, at seed=3", 4, "3 of 4 are, at least 100% must be"),
        (X.each().within(2, 9), FAILED, "cost of a/x, worst of 4, at seed=0", 1, "3 of 4 are, at least 100% must be"),
        (X.share(0.75).at_most(3), HELD, "cost of a/x, worst of 4, at seed=3", 4, "3 of 4 are, at least 75% must be"),
        (X.share(0.8).at_most(3), FAILED, "cost of a/x, worst of 4, at seed=3", 4, "3 of 4 are, at least 80% must be"),
    ],
)
def test_single_values_show_the_worst(check, verdict, what, estimate, reason, seeds) -> None:
    judged = check.judge(seeds(x=[1, 2, 3, 4]))
    (finding,) = judged.findings
    assert (judged.verdict, finding.what, finding.estimate, finding.reason) == (verdict, what, estimate, reason)


@given(st.integers(1, 60), st.data())
def test_a_share_is_counted_without_rounding(seeds, total, data) -> None:
    inside = data.draw(st.integers(1, total))
    given = seeds(x=[0.0] * inside + [1.0] * (total - inside))
    assert X.share(inside / total).at_most(0.5).judge(given).verdict is HELD
    if inside < total:
        assert X.share((inside + 1) / total).at_most(0.5).judge(given).verdict is FAILED


def test_no_value_decides_nothing(cell, evidence) -> None:
    given = evidence(cell(1.0, status="timeout"))
    for check in (X.at_most(1), X.each().at_most(1)):
        judged = check.judge(given)
        assert (judged.verdict, judged.reason) == (INCONCLUSIVE, "cost of a/x: no value")


DRAWS = 2000
TOLERATED = 0.025 + 4 * math.sqrt(0.025 * 0.975 / DRAWS)
"""The nominal share of wrong verdicts at a truth that lies on the bound, and four standard errors."""


@pytest.mark.parametrize("settings", [1, 3])
def test_at_a_truth_on_the_bound_verdicts_are_rare(settings, cell, evidence) -> None:
    rng, check = np.random.default_rng(settings), difference("cost", "a/x", "a/y").at_most(0)
    verdicts = []
    for _ in range(DRAWS):
        shared, own = rng.normal(size=(4, 1)), rng.normal(size=(4, settings))
        cells = [
            cell(value, f"a/{model}", seed, m=m)
            for model, values in (("x", shared + own), ("y", shared + np.zeros_like(own)))
            for (seed, m), value in np.ndenumerate(values)
        ]
        verdicts.append(check.judge(evidence(*cells)).verdict)
    assert verdicts.count(HELD) / DRAWS < TOLERATED
    assert verdicts.count(FAILED) / DRAWS < TOLERATED
    assert verdicts.count(FAILED) > 0.4 * 0.025 * DRAWS, "the correction is no stricter than it must be"


def test_one_setting_on_its_bound_is_enough_for_few_to_hold(cell, evidence) -> None:
    """Where all the others hold by far, the chance is that of the one: no correction is needed."""
    rng, check = np.random.default_rng(0), X.at_most(0)
    held = 0
    for _ in range(DRAWS):
        values = rng.normal([[0, -50, -50]], 1, (4, 3))
        held += (
            check.judge(evidence(*[cell(v, seed=seed, m=m) for (seed, m), v in np.ndenumerate(values)])).verdict is HELD
        )
    assert 0.4 * 0.025 < held / DRAWS < TOLERATED
