"""The verdict on a whole claim, where results are missing."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from harness.checks.check import Judged
from harness.checks.measured import measured
from harness.checks.ruling import rule
from harness.checks.verdict import Judgement, Verdict

HELD, FAILED, INCONCLUSIVE = Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE
X = measured("cost", "a/x")
MISSING = ["timeout", "oom", "crashed", "failed", "skipped", "not run", "invalid"]


@pytest.fixture
def gapped(cell, evidence):
    """Four seeds with a value of 1; the last one ended otherwise."""

    def make(status: str, role: str = "construction", error: str = "why", value: float | None = None):
        good = [cell(1.0, seed=seed, role=role) for seed in range(3)]
        return evidence(*good, cell(value, seed=3, status=status, role=role, error=error))

    return make


def test_whole_evidence_is_judged_by_the_check_alone(seeds) -> None:
    assert rule(X.at_most(2), seeds(x=[1.0, 1.1])) == X.at_most(2).judge(seeds(x=[1.0, 1.1]))


@pytest.mark.parametrize("status", MISSING)
@pytest.mark.parametrize("role", ["construction", "baseline", "reference"])
def test_with_a_gap_nothing_holds(status, role, gapped) -> None:
    for check in (X.at_most(2), X.each().at_most(2), X.share(0.5).at_most(2), X.at_most(2) | X.at_most(3)):
        judged = rule(check, gapped(status, role))
        wrong = status == "invalid" and role == "construction"
        assert judged.verdict is (FAILED if wrong else INCONCLUSIVE)
        assert judged.reason == f"1 {status} of 4 cells, such as a/x on t/t, seed 3: why"


@pytest.mark.parametrize("status", MISSING)
def test_what_is_contradicted_fails_in_spite_of_gaps(status, gapped) -> None:
    for check in (X.at_most(0.5), X.each().at_most(0.5)):
        assert rule(check, gapped(status)).verdict is FAILED


def test_a_share_that_the_missing_could_make_up_for_has_not_failed(cell, evidence) -> None:
    cells = [cell(value, seed=seed) for seed, value in enumerate((1.0, 9.0))]
    check = X.share(0.6).at_most(2)
    assert rule(check, evidence(*cells)).verdict is FAILED
    assert rule(check, evidence(*cells, cell(None, seed=2, status="timeout"))).verdict is INCONCLUSIVE


def test_a_cell_that_is_ok_but_lacks_the_metric_is_a_gap(gapped) -> None:
    judged = rule(X.at_most(2), gapped("ok", error=""))
    assert judged.verdict is INCONCLUSIVE
    assert judged.reason == "1 without the metric of 4 cells, such as a/x on t/t, seed 3"


def test_a_gap_that_no_part_reads_does_not_matter(cell, evidence) -> None:
    other = cell(None, "a/y", status="timeout")
    assert rule(X.at_most(2), evidence(cell(1.0), cell(1.1, seed=1), other)).verdict is HELD


def test_a_gap_counts_once_and_the_wrong_answer_is_shown_first(cell, evidence) -> None:
    cells = [cell(1.0), cell(None, seed=1, status="timeout"), cell(None, seed=2, status="invalid", error="not finite")]
    judged = rule(X.at_most(2) & X.at_most(3), evidence(*cells))
    assert judged.reason.startswith("1 timeout, 1 invalid of 3 cells, such as a/x on t/t, seed 2: not finite")


@pytest.mark.parametrize(
    "check",
    [
        X.mean(over="step").at_most(1),
        X.slope(over="step").each().at_most(1),
        X.per("step").at_most(1),
        measured("cost", "a/x", step=10).each().at_most(1),
    ],
    ids=str,
)
def test_a_curve_that_no_cell_has_leaves_the_wrong_answers_wrong(check, cell, evidence) -> None:
    judged = rule(check, evidence(cell(None, status="invalid", error="not finite")))
    assert judged.verdict is FAILED
    assert "1 invalid of 1 cells" in judged.reason
    assert "cannot be checked" in judged.reason


def test_a_check_that_reads_nothing_is_inconclusive(seeds) -> None:
    judged = rule(measured("cost", "a/typo").at_most(1), seeds(x=[1.0, 2.0]))
    assert judged == Judgement(
        INCONCLUSIVE, reason="cannot be checked: cost of a/typo: none of the claim's cells is such a one"
    )


def test_a_function_is_held_to_the_cells_that_it_reads(gapped) -> None:
    assert rule(Judged(lambda _: Judgement(HELD), (X,)), gapped("timeout")).verdict is INCONCLUSIVE


STATUSES = st.sampled_from(["ok", "ok", "ok", "timeout", "failed"])


@given(st.lists(st.tuples(STATUSES, st.floats(0, 2)), min_size=1, max_size=6), st.floats(0, 2))
def test_losing_a_result_never_makes_a_claim_hold(cell, evidence, results, bound) -> None:
    cells = [cell(value, seed=seed, status=status) for seed, (status, value) in enumerate(results)]
    for check in (X.at_most(bound), X.each().at_least(bound), X.mean(over="seed").at_least(bound)):
        judged = rule(check, evidence(*cells))
        assert judged.verdict is not HELD or all(status == "ok" for status, _ in results)
