"""Whether a model implements its task's protocol."""

from __future__ import annotations

from typing import Protocol

import pytest

from harness.suite.protocol import breaches


class Fits(Protocol):
    name: str

    def fit(self, x, y): ...

    def _private(self): ...


class FitsAndPredicts(Fits, Protocol):
    def predict(self, x, *, samples=1): ...


class Exact:
    def fit(self, x, y): ...


class Optional:
    def fit(self, x, y, epochs=3, *, verbose=False): ...


class Catching:
    def fit(self, x, **rest): ...


class Variadic:
    def fit(self, *arguments): ...


class Inherited(Exact):
    pass


class Static:
    @staticmethod
    def fit(x, y): ...


class OfTheClass:
    @classmethod
    def fit(cls, x, y): ...


class StaticWithout:
    @staticmethod
    def fit(x): ...


class BuiltIn:
    fit = dict.update


class Nothing:
    pass


class Renamed:
    def fit(self, features, y): ...


class Fewer:
    def fit(self, x): ...


class Greedy:
    def fit(self, x, y, rng): ...


class GreedyByKeyword:
    def fit(self, x, y, *, rng): ...


class Value:
    fit = 3


class NoneSet:
    fit = None


@pytest.mark.parametrize("model", [Exact, Optional, Catching, Variadic, Inherited, Static, OfTheClass, BuiltIn])
def test_a_model_that_implements_it(model):
    assert list(breaches(model, Fits)) == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Nothing, ["no method fit(x, y)"]),
        (NoneSet, ["no method fit(x, y)"]),
        (Value, ["fit is not a method"]),
        (Fewer, ["fit() takes no parameter 'y'"]),
        (StaticWithout, ["fit() takes no parameter 'y'"]),
        (
            Renamed,
            ["fit() takes no parameter 'x'", "fit() needs a parameter 'features' that the protocol does not give"],
        ),
        (Greedy, ["fit() needs a parameter 'rng' that the protocol does not give"]),
        (GreedyByKeyword, ["fit() needs a parameter 'rng' that the protocol does not give"]),
    ],
)
def test_what_a_model_lacks_is_said(model, expected):
    assert list(breaches(model, Fits)) == expected


def test_the_methods_of_the_protocols_it_extends_count():
    assert list(breaches(Nothing, FitsAndPredicts)) == ["no method fit(x, y)", "no method predict(x, samples)"]


def test_a_class_that_is_no_protocol_may_be_one():
    assert list(breaches(Fewer, Exact)) == ["fit() takes no parameter 'y'"]
