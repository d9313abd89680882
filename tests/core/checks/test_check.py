"""Checks put together, and checks that are plain functions."""

from __future__ import annotations

import pytest

from harness.checks.check import Judged, all_of, at_least_of
from harness.checks.measured import measured, ratio
from harness.checks.samples import CheckError
from harness.checks.verdict import Finding, Judgement, Verdict

HELD, FAILED, INCONCLUSIVE = Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE
X = measured("cost", "a/x")
GOOD, BAD, NEVER = X.each().at_most(1), X.each().at_most(0), measured("cost", "a/z").each().at_most(1)
BEATS_Y, BEATS_Z = ratio("cost", "a/x", "a/y").at_most(0.5), ratio("cost", "a/x", "a/z").at_most(0.5)
Y, Z = (("a/x",), ("a/y",)), (("a/x",), ("a/z",))


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (GOOD & GOOD, HELD),
        (GOOD & BAD, FAILED),
        (GOOD | BAD, HELD),
        (BAD | BAD, FAILED),
        (GOOD & NEVER, INCONCLUSIVE),
        (GOOD | NEVER, HELD),
        (BAD & NEVER, FAILED),
        (BAD | NEVER, INCONCLUSIVE),
        (at_least_of(2, GOOD, BAD, GOOD), HELD),
        (at_least_of(2, GOOD, BAD, BAD), FAILED),
        (at_least_of(2, GOOD, BAD, NEVER), INCONCLUSIVE),
        (all_of(GOOD, GOOD, BAD), FAILED),
        (all_of(GOOD), HELD),
    ],
)
def test_several_checks_are_counted(check, verdict, seeds) -> None:
    assert check.judge(seeds(x=[1.0])).verdict is verdict


def test_a_part_that_cannot_be_checked_leaves_the_findings_of_the_others(seeds) -> None:
    judged = (GOOD & NEVER).judge(seeds(x=[1.0]))
    assert [finding.verdict for finding in judged.findings] == [HELD]
    assert judged.reason.startswith("cannot be checked: cost of a/z")


@pytest.mark.parametrize("count", [0, 3, -1])
def test_a_count_that_decides_nothing_is_refused(count) -> None:
    with pytest.raises(ValueError, match="never or always so"):
        at_least_of(count, GOOD, BAD)


def test_several_read_what_all_of_them_read() -> None:
    assert [str(one) for one in (BEATS_Y & GOOD).measured()] == ["cost of a/x", "cost of a/y", "cost of a/x"]


@pytest.mark.parametrize(
    ("check", "contrasts"),
    [
        (GOOD, set()),
        (BEATS_Y & GOOD, {Y}),
        (BEATS_Y & BEATS_Z, {Y, Z}),
        (BEATS_Y | GOOD, set()),
        (BEATS_Y | BEATS_Z, set()),
        (BEATS_Y | BEATS_Y, {Y}),
        (at_least_of(2, BEATS_Y, BEATS_Y, BEATS_Z), {Y}),
        (at_least_of(2, BEATS_Y, BEATS_Z, GOOD), set()),
        (at_least_of(1, BEATS_Y & BEATS_Z, BEATS_Y), {Y}),
    ],
)
def test_a_contrast_decides_if_the_rest_is_not_enough(check, contrasts) -> None:
    assert set(check.contrasts()) == contrasts


def test_a_plain_function_is_asked(seeds) -> None:
    def judge(evidence) -> Judgement:
        return Judgement(HELD, (Finding("cells", HELD, "= 2", len(evidence.cells)),))

    check = Judged(judge, (X,), (Y,))
    assert check.judge(seeds(x=[1.0, 2.0])).findings[0].estimate == 2
    assert list(check.measured()) == [X]
    assert check.contrasts() == (Y,)


def test_a_plain_function_that_raises_gives_no_verdict(seeds) -> None:
    def careless(evidence) -> Judgement:
        raise KeyError("nothing")

    check = Judged(careless, (X,))
    with pytest.raises(CheckError, match="careless raised KeyError: 'nothing'"):
        check.judge(seeds(x=[1.0]))
    assert (GOOD & check).attempt(seeds(x=[1.0])).verdict is INCONCLUSIVE
