"""Numbers with named dimensions."""

from __future__ import annotations

import itertools
from operator import sub

import hypothesis.strategies as st
import pytest
from hypothesis import given

from harness.checks.samples import CheckError, Samples, order, place

NUMBERS = st.integers(-9, 9).map(float)
TICKS = st.integers(0, 2)


@st.composite
def samples(draw, dims: tuple[str, ...]) -> Samples:
    """Some of the combinations of a few ticks."""
    return Samples(dims, draw(st.dictionaries(st.tuples(*[TICKS] * len(dims)), NUMBERS, max_size=8)))


def named(given: Samples) -> list[tuple[dict, float]]:
    return [(dict(zip(given.dims, key, strict=True)), value) for key, value in given.values.items()]


@given(samples(("m", "seed")), samples(("seed", "k")))
def test_combining_meets_whatever_agrees(left, right) -> None:
    joined = left.combine(right, sub)
    expected = [
        ({**one, **other}, value - partner)
        for (one, value), (other, partner) in itertools.product(named(left), named(right))
        if one["seed"] == other["seed"]
    ]
    assert joined.dims == ("m", "seed", "k")
    assert sorted(named(joined), key=str) == sorted(expected, key=str)


@given(samples(("m", "seed")), samples(("m", "seed")))
def test_equal_dimensions_meet_one_to_one(left, right) -> None:
    joined = left.combine(right, sub)
    assert joined.values == {key: left.values[key] - right.values[key] for key in left.values.keys() & right.values}


def test_nothing_shared_is_everything_with_everything() -> None:
    joined = Samples(("m",), {(1,): 1.0, (2,): 2.0}).combine(Samples((), {(): 5.0}), sub)
    assert joined.values == {(1,): -4.0, (2,): -3.0}


@given(samples(("m", "seed", "k")), st.sampled_from(["m", "seed", "k"]))
def test_reducing_sees_each_group_once_and_in_order(given, dim) -> None:
    reduced = given.reduce(dim, lambda ticks, values: (ticks, values))
    rest = [one for one in given.dims if one != dim]
    assert reduced.dims == tuple(rest)
    for key, (ticks, values) in reduced.values.items():
        members = [(one[dim], value) for one, value in named(given) if [one[name] for name in rest] == list(key)]
        assert list(zip(ticks, values, strict=True)) == sorted(members)
    assert sum(len(ticks) for ticks, _ in reduced.values.values()) == len(given.values)


def test_a_dimension_that_there_is_not_is_named() -> None:
    with pytest.raises(CheckError, match="nothing varies along 'n'; there is m, seed"):
        Samples(("m", "seed"), {}).groups("n")
    with pytest.raises(CheckError, match="there is no dimension"):
        Samples((), {(): 1.0}).groups("n")


def test_numbers_come_before_text_and_are_ordered_as_numbers() -> None:
    assert sorted([10, "b", 9.5, "a", None, True], key=order) == [True, 9.5, 10, None, "a", "b"]


def test_a_place_is_said_in_words() -> None:
    assert place(["m", "share", "origin"], (256, 0.1 + 0.2, "zipf")) == "m=256, share=0.3, origin=zipf"
