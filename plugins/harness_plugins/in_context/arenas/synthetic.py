"""Regression on prompts that are drawn from a law: a task for each kind of function, whose parameters are the law's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness import Context
from harness_plugins.in_context.arenas.laws.dynamics import DynamicsLaw
from harness_plugins.in_context.arenas.laws.law import Law
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.laws.nearest import NearestLaw
from harness_plugins.in_context.arenas.laws.networks import NetworkLaw, RepresentationLaw
from harness_plugins.in_context.arenas.laws.parity import BooleanLaw
from harness_plugins.in_context.arenas.preparing import law_of
from harness_plugins.in_context.arenas.regression import PromptedRegression, Prompts, prompts


@dataclass
class SyntheticRegression(PromptedRegression):
    """A task that is derived from a law draws its prompts from it."""

    drawn_from: ClassVar[type[Law]]
    """The law whose parameters the task has."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.law()  # says what is wrong with its own parameters

    def law(self) -> Law:
        """The distribution of the prompts."""
        return law_of(self, self.drawn_from)

    def instance(self, context: Context) -> Prompts:
        """Draw the prompts."""
        return prompts(*self.law().draw(context.rng, self.batch))


@dataclass
class Regression(SyntheticRegression, LinearLaw):
    """Functions that are linear in their weights, of Gaussian inputs: dense, uneven, sparse, quadratic, or a sign."""

    drawn_from = LinearLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 6, "batch": 8},
        "paper": {"d": 20, "n": 40, "batch": 2000},
    }


@dataclass
class NetworkRegression(SyntheticRegression, NetworkLaw):
    """Random neural networks of N layers, a fresh one for each prompt, of Gaussian inputs or of a mixture."""

    drawn_from = NetworkLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 6, "hidden": 3, "batch": 8},
        "paper": {"d": 20, "n": 75, "hidden": 20, "batch": 2000},
    }


@dataclass
class RepresentationRegression(SyntheticRegression, RepresentationLaw):
    """Linear functions of a fixed neural representation of the input, or of one of several."""

    drawn_from = RepresentationLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 6, "layers": 1, "batch": 8},
        "paper": {"d": 20, "n": 40, "layers": 3, "batch": 2000},
    }


@dataclass
class BooleanRegression(SyntheticRegression, BooleanLaw):
    """Parity, conjunction or disjunction of few of the input's bits; truth is 1 and falsehood -1."""

    drawn_from = BooleanLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 6, "batch": 8},
        "paper": {"d": 20, "n": 120, "bits": 3, "batch": 2000},
    }


@dataclass
class DynamicsRegression(SyntheticRegression, DynamicsLaw):
    """The next state of a linear dynamical system, from its trajectory so far."""

    drawn_from = DynamicsLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 6, "batch": 8},
        "paper": {"d": 20, "n": 40, "batch": 2000},
    }


@dataclass
class NearestLabel(SyntheticRegression, NearestLaw):
    """The label of the nearest example, where labels have nothing to do with inputs."""

    drawn_from = NearestLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 6, "batch": 8},
        "paper": {"d": 8, "n": 100, "batch": 2000},
    }
