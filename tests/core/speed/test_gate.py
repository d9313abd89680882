"""The gate, by pairs that are drawn instead of measured."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest

from harness.errors import ExitCode
from harness.speed.decision import Rule
from harness.speed.gate import Gate, Judged, PairError, Verdict, exit_code

RULE = Rule()


def machine(seed: int = 0, noise: float = 0.01, **slow_downs: float) -> Callable[[str, bool], float]:
    """Pairs of operations by name: `_` has no slow-down."""
    rng = random.Random(seed)
    return lambda name, _: math.log1p(slow_downs.get(name, 0.0)) + rng.gauss(0, noise)


def judged(names: str, measure, **options) -> dict[str, Judged[str]]:
    return {one.operation: one for one in Gate(names.split(), measure, RULE, **options).judge()}


def test_what_got_slower_is_found_and_the_rest_is_fine() -> None:
    found = judged("a b c d", machine(b=0.08))
    assert {name: one.verdict for name, one in found.items()} == {
        "a": Verdict.FINE,
        "b": Verdict.REGRESSION,
        "c": Verdict.FINE,
        "d": Verdict.FINE,
    }
    assert found["b"].ratio is not None
    assert found["b"].ratio.low < 1.08 < found["b"].ratio.high
    assert found["b"].pairs >= 2 * RULE.looks[0]  # measured twice


def test_a_regression_has_to_be_seen_again() -> None:
    """An operation that is slow as long as it is looked at for the first time."""
    seen: Counter[str] = Counter()

    def once(name: str, again: bool) -> float:
        seen[name] += 1
        return math.log1p(0.0 if again else 0.2) + random.Random(seen[name]).gauss(0, 0.005)

    found = judged("a", once)["a"]
    assert found.verdict is Verdict.FINE
    assert "second measurement" in found.note


def test_what_got_faster_is_fine() -> None:
    found = judged("a", machine(a=-0.3))["a"]
    assert found.verdict is Verdict.FINE
    assert found.ratio is not None
    assert found.ratio.high < 1


def test_too_much_noise_is_inconclusive() -> None:
    found = judged("a", machine(noise=0.3))["a"]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.pairs == RULE.looks[-1]


def test_too_few_clean_samples_are_inconclusive() -> None:
    found = judged("a", lambda *_: None)["a"]
    assert (found.verdict, found.pairs, found.ratio) == (Verdict.INCONCLUSIVE, 0, None)
    assert found.noisy > 0
    assert "clean" in found.note


def test_noisy_pairs_among_clean_ones_are_left_out() -> None:
    turn = iter(range(10_000))
    good = machine()
    found = judged("a", lambda name, again: None if next(turn) % 3 == 0 else good(name, again))["a"]
    assert found.verdict is Verdict.FINE
    assert found.noisy >= 4


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.NEW])
def test_what_cannot_be_measured_costs_itself_alone(verdict) -> None:
    good = machine()

    def measure(name: str, again: bool) -> float:
        if name == "b":
            raise PairError(verdict, "no such thing")
        return good(name, again)

    found = judged("a b c", measure)
    assert [found[name].verdict for name in "abc"] == [Verdict.FINE, verdict, Verdict.FINE]
    assert found["b"].note == "no such thing"


def test_without_time_nothing_is_said() -> None:
    found = judged("a b", machine(), seconds=0.0)
    assert {one.verdict for one in found.values()} == {Verdict.INCONCLUSIVE}
    assert all("time" in one.note for one in found.values())


def test_everything_is_looked_at_before_anything_is_looked_at_closely() -> None:
    order: list[str] = []
    good = machine(noise=0.05, b=0.04)

    def measure(name: str, again: bool) -> float:
        order.append(name)
        return good(name, again)

    judged("a b c", measure)
    first = order[: 3 * RULE.looks[0]]
    assert Counter(first) == dict.fromkeys("abc", RULE.looks[0])


def test_many_operations_without_a_change() -> None:
    """False discoveries are controlled over all of them: noise of 3 %, a hundred operations, four checks."""
    names = " ".join(f"operation{number}" for number in range(100))
    alarms = [
        one
        for seed in range(4)
        for one in judged(names, machine(seed, noise=0.03)).values()
        if one.verdict is Verdict.REGRESSION
    ]
    assert alarms == []


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], ExitCode.OK),
        ([Verdict.FINE, Verdict.NEW, Verdict.SKIPPED], ExitCode.OK),
        ([Verdict.FINE, Verdict.INCONCLUSIVE], ExitCode.INCONCLUSIVE),
        ([Verdict.FAILED, Verdict.INCONCLUSIVE], ExitCode.CASES_FAILED),
        ([Verdict.FAILED, Verdict.REGRESSION, Verdict.INCONCLUSIVE], ExitCode.SLOWER),
    ],
)
def test_exit_codes(verdicts, code) -> None:
    assert exit_code([Judged("a", verdict) for verdict in verdicts]) is code


def test_noise_of_the_first_measurement_does_not_count_against_the_second() -> None:
    turn = iter(range(10_000))
    slower = machine(a=0.2)
    found = judged("a", lambda name, again: None if not again and next(turn) % 2 else slower(name, again))["a"]
    assert found.verdict is Verdict.REGRESSION
    assert found.noisy >= 7


def test_what_got_faster_is_called_so() -> None:
    assert judged("a", machine(a=-0.3))["a"].note == "faster"
    assert judged("a", machine())["a"].note == ""
