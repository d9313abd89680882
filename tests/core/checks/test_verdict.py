"""Verdicts, put together and told."""

from __future__ import annotations

import math

import hypothesis.strategies as st
from hypothesis import given

from harness.checks.verdict import Finding, Judgement, Verdict, all_of, at_least

HELD, FAILED, INCONCLUSIVE = Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE


@given(st.lists(st.sampled_from(Verdict), min_size=1, max_size=5), st.data())
def test_of_several_the_verdict_is_what_no_missing_answer_could_change(verdicts, data) -> None:
    count = data.draw(st.integers(1, len(verdicts)))
    held = verdicts.count(HELD)
    possible = {held + more >= count for more in range(verdicts.count(INCONCLUSIVE) + 1)}
    expected = {frozenset({True}): HELD, frozenset({False}): FAILED}.get(frozenset(possible), INCONCLUSIVE)
    assert at_least(count, [Judgement(one) for one in verdicts]).verdict is expected


def test_findings_and_reasons_are_kept_in_order_and_once() -> None:
    first, second = Finding("one", HELD, "= 1"), Finding("two", HELD, "= 2")
    judged = all_of([Judgement(HELD, (first,), "why"), Judgement(HELD, (second,), "why"), Judgement(HELD)])
    assert (judged.findings, judged.reason) == ((first, second), "why")


def test_the_telling_finding_decides_by_the_smallest_margin() -> None:
    far = Finding("far", HELD, "<= 1", 0.1, margin=0.9)
    close = Finding("close", HELD, "<= 100", 99, margin=1)
    wrong = Finding("wrong", FAILED, "<= 1", 1.5, margin=-0.5)
    worse = Finding("worse", FAILED, "<= 1", 9, margin=-8)
    assert Judgement(HELD, (far, close)).telling == close
    assert Judgement(FAILED, (far, close, wrong, worse)).telling == worse
    assert Judgement(INCONCLUSIVE, (far, close)).telling == close, "for want of one that is inconclusive"
    assert Judgement(INCONCLUSIVE).telling is None


def test_a_finding_without_a_number_tells_most() -> None:
    said, counted = Finding("said", HELD, "so"), Finding("zero", HELD, "= 0", 0.0, margin=0.0)
    assert Judgement(HELD, (counted, said)).telling == said
    assert Judgement(HELD, (counted,)).telling == counted


def test_what_is_not_finite_is_nothing_in_json() -> None:
    plain = Finding("x", HELD, ">= 1", math.inf, math.nan, -math.inf, 1.5, "why").plain()
    assert plain == {
        "what": "x",
        "verdict": "held",
        "bound": ">= 1",
        "estimate": None,
        "low": None,
        "high": None,
        "margin": 1.5,
        "reason": "why",
    }
