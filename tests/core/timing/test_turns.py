"""Samples, the timer and turns, by clocks that are told what to say."""

from __future__ import annotations

import gc
import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import timing
from harness.clocks import Lap
from harness.timing.ratio import log_ratio
from harness.timing.samples import Samples
from harness.timing.settings import Settings
from harness.timing.timer import Timer
from harness.timing.turns import take_turns

SETTINGS = Settings()


class Told:
    """A clock that says what it is told, one second of CPU a sample unless told otherwise."""

    filters = True

    def __init__(self, laps: Callable[[int], Lap]) -> None:
        self.asked: list[tuple[int, int]] = []
        self.collecting: list[bool] = []
        self._laps = laps

    def laps(self, call, count, loops) -> list[Lap]:
        self.asked.append((count, loops))
        for _ in range(count):
            call()
        self.collecting.append(gc.isenabled())
        return [self._laps(len(self.asked)) for _ in range(count)]


def steady(seconds: float) -> Told:
    return Told(lambda _: Lap(seconds, seconds))


class Script:
    """A player that plays what is written."""

    filters = True

    def __init__(self, *seconds: float, slowed: float = 1.0) -> None:
        self._seconds = itertools.cycle(seconds)
        self._slowed = slowed
        self.turns = 0

    def block(self) -> list[Lap]:
        self.turns += 1
        second = next(self._seconds)
        return [Lap(second * self._slowed, second)] * SETTINGS.block


def test_the_first_call_is_cold_and_told_apart() -> None:
    timer = Timer(lambda: None, Told(lambda asked: Lap(9.0, 9.0) if asked == 1 else Lap(0.01, 0.01)), SETTINGS)
    assert math.isnan(timer.cold_seconds)
    timer.warm_up()
    assert timer.cold_seconds == 9.0
    assert {lap.wall for lap in timer.block()} == {0.01}


@pytest.mark.parametrize(("seconds", "loops"), [(1.0, 1), (1e-3, 1), (1.5e-4, 2), (3e-6, 67)])
def test_short_calls_share_a_sample(seconds, loops) -> None:
    clock = steady(seconds)
    timer = Timer(lambda: None, clock, SETTINGS)
    timer.warm_up()
    assert len(timer.block()) == SETTINGS.block
    assert clock.asked[-1] == (1 + SETTINGS.block, loops)


def test_the_number_of_calls_in_a_sample_does_not_come_from_the_cold_call() -> None:
    clock = Told(lambda asked: Lap(1.0, 1.0) if asked == 1 else Lap(3e-6, 3e-6))
    timer = Timer(lambda: None, clock, Settings(warm_up_calls=1))
    timer.warm_up()
    timer.block()
    assert clock.asked[-1][1] == 67


def test_the_warm_up_is_bounded() -> None:
    clock = steady(1.0)
    Timer(lambda: None, clock, SETTINGS).warm_up()
    assert len(clock.asked) == SETTINGS.warm_up_calls


def test_the_garbage_collector_waits() -> None:
    clock = steady(1.0)
    timer = Timer(lambda: None, clock, SETTINGS)
    timer.warm_up()
    timer.block()
    assert not any(clock.collecting)
    assert gc.isenabled()


def test_samples_that_were_interrupted_do_not_count() -> None:
    samples = Samples(SETTINGS, filters=True)
    samples.add([Lap(1.0, 1.0), Lap(1.04, 1.0), Lap(1.06, 1.0), Lap(3.0, 1.0)])
    assert samples.clean == (1.0, 1.04)
    assert samples.count == 4
    assert samples.noisy  # fewer than five


def test_where_the_processor_s_time_says_nothing_every_sample_counts() -> None:
    samples = Samples(SETTINGS, filters=False)
    samples.add([Lap(1.0, 0.1)] * 5)
    assert len(samples.clean) == 5
    assert not samples.noisy


def test_a_fifth_of_the_samples_has_to_be_clean() -> None:
    samples = Samples(SETTINGS, filters=True)
    samples.add([Lap(1.0, 1.0)] * 10 + [Lap(2.0, 1.0)] * 40)
    assert not samples.noisy
    samples.add([Lap(2.0, 1.0)])
    assert samples.noisy


def test_all_have_as_many_turns_and_stop_when_all_have_enough() -> None:
    players = [Script(1.0), Script(2.0), Script(3.0)]
    found = take_turns(players, SETTINGS, random.Random(0))
    assert {player.turns for player in players} == {SETTINGS.clean_samples // SETTINGS.block}
    assert [samples.seconds for samples in found] == [1.0, 2.0, 3.0]


def test_who_is_never_clean_does_not_take_for_ever() -> None:
    found = take_turns([Script(1.0), Script(1.0, slowed=2.0)], SETTINGS, random.Random(0))
    assert found[0].count == found[1].count == SETTINGS.samples
    assert [samples.noisy for samples in found] == [False, True]


def test_the_order_of_turns_is_random_and_the_seed_s() -> None:
    def orders(seed: int) -> list[str]:
        order: list[str] = []

        class Named(Script):
            def __init__(self, name: str) -> None:
                super().__init__(1.0)
                self._name = name

            def block(self) -> list[Lap]:
                order.append(self._name)
                return super().block()

        take_turns([Named("a"), Named("b")], SETTINGS, random.Random(seed))
        return order

    turns = orders(0)
    firsts, seconds = turns[::2], turns[1::2]
    assert all(first != second for first, second in zip(firsts, seconds, strict=True))
    assert set(firsts) == {"a", "b"}
    assert turns == orders(0) != orders(1)


@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=30), st.floats(0.9, 1.1))
def test_what_slows_down_both_cancels(levels, ratio) -> None:
    """A machine whose speed changes from turn to turn does not change the ratio."""
    a, b = Samples(SETTINGS, filters=False), Samples(SETTINGS, filters=False)
    for level in levels:
        a.add([Lap(level * ratio, 1.0)] * 5)
        b.add([Lap(level, 1.0)] * 5)
    found = log_ratio(a, b)
    assert found is not None
    assert math.exp(found) == pytest.approx(ratio)


def test_without_a_turn_in_which_both_are_clean_there_is_no_ratio() -> None:
    clean, disturbed = [Lap(1.0, 1.0)] * 5, [Lap(2.0, 1.0)] * 5
    a, b = Samples(SETTINGS, filters=True), Samples(SETTINGS, filters=True)
    for one, other in ((clean, disturbed), (disturbed, clean)):
        a.add(one)
        b.add(other)
    assert not a.noisy
    assert not b.noisy
    assert log_ratio(a, b) is None
    a.add(clean)
    b.add(clean)
    assert log_ratio(a, b) == 0.0


def test_of_what_is_noisy_there_is_no_ratio() -> None:
    a, b = Samples(SETTINGS, filters=True), Samples(SETTINGS, filters=True)
    a.add([Lap(1.0, 1.0)] * 5)
    b.add([Lap(1.0, 1.0)] * 4 + [Lap(2.0, 1.0)])
    assert b.noisy
    assert log_ratio(a, b) is None


def test_a_time_that_is_none_does_not_count() -> None:
    samples = Samples(SETTINGS, filters=False)
    samples.add([Lap(-1.0, 0.1), Lap(0.0, 0.1), Lap(1.0, 0.1)])
    assert samples.clean == (1.0,)


def test_the_ratio_of_ratios_is_robust_and_has_an_interval() -> None:
    rng = random.Random(3)
    found = timing.ratio([math.exp(rng.gauss(0.05, 0.01)) for _ in range(19)] + [1.5])
    assert found.low < math.exp(0.05) < found.high
    assert found.high < 1.07
    with pytest.raises(ValueError, match="positive"):
        timing.ratio([1.0, 0.0])


def test_compare_in_this_process() -> None:
    numbers = list(range(3000))
    found = timing.compare(
        {"once": lambda: sum(numbers), "twice": lambda: (sum(numbers), sum(numbers))},
        settings=Settings(warm_up_seconds=0.05),
        seed=1,
    )
    assert list(found) == ["once", "twice"]
    assert found["once"].cold_seconds > 0
    assert 1.5 < found["twice"].over(found["once"]).estimate < 2.5


def test_measure_says_when_it_does_not_know() -> None:
    clock = Told(lambda _: Lap(2.0, 1.0))
    assert math.isnan(timing.measure(lambda: None, clock=clock).seconds)
    assert timing.measure(lambda: None, clock=steady(1.0)).seconds == 1.0
