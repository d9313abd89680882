"""What is to be learnt: families of functions at one size, a budget of steps, prompts to be tested on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Drawn, Law, one_of
from harness_plugins.in_context.arenas.laws.linear import LinearLaw
from harness_plugins.in_context.arenas.laws.parity import BooleanLaw

FamilyName: TypeAlias = Literal[
    "linear", "sparse-linear", "quadratic", "sign-linear", "parity", "conjunction", "disjunction"
]
Method: TypeAlias = Literal["loop", "vmap"]


@dataclass(frozen=True)
class Course:
    """Families to be learnt, the budget, and where in training it is looked how far they are."""

    families: tuple[FamilyName, ...]
    """Their names, the easier ones first."""
    d: int
    """Features of an input."""
    n: int
    """Examples in a prompt, before the query."""
    few: int
    """Non-zero weights of a sparse function; bits of a Boolean one."""
    batch: int
    """Prompts of each family in a step."""
    steps: int
    """Gradient steps."""
    every: int
    """Steps between two looks."""
    prompts: int
    """Prompts of each family that are looked at; never trained on."""
    seed: int
    """From which these are drawn."""

    def __post_init__(self) -> None:
        if not self.families or len(set(self.families)) < len(self.families):
            raise ValueError(f"families must be one or more different ones, not {self.families}")
        if min(self.batch, self.steps, self.every) < 1:
            raise ValueError(f"batch, steps and every must be positive, not {self.batch}, {self.steps}, {self.every}")
        if self.steps % self.every:
            raise ValueError(
                f"every must divide steps, or the end is not looked at; {self.every} is no part of {self.steps}"
            )
        if self.prompts < 4:  # the level of the plateau is a fit of three numbers
            raise ValueError(f"prompts must be at least 4, not {self.prompts}")
        self.laws()  # says what is wrong with its own parameters

    def laws(self) -> list[Law]:
        """The distribution of each family's prompts."""
        return [law(family, self.d, self.n, self.few) for family in self.families]

    def looks(self) -> range:
        """After how many steps it is looked, from 0 to all of them."""
        return range(0, self.steps + 1, self.every)

    def tests(self) -> list[Drawn]:
        """The prompts of each family that are looked at, and their labels."""
        rng = np.random.default_rng(self.seed)
        return [one.draw(rng, self.prompts) for one in self.laws()]


def law(family: FamilyName, d: int, n: int, few: int) -> Law:
    """Prompts of a family in d features whose labels have second moment 1: none of them weighs more in a loss.

    <w, x> of k weights N(0, tau^2) has variance k tau^2, and so has the quadratic function, whose features have second
    moment 1; signs and truth values are -1 or 1.

    Raises:
        ValueError: there is no such family, or none of such a size.
    """
    one_of("family", family, get_args(FamilyName))
    match family:
        case "parity" | "conjunction" | "disjunction":
            return BooleanLaw(d, n, family=family, bits=few)
        case "sparse-linear":
            one = LinearLaw(d, n, family=family, nonzeros=few)  # refuses few < 1
            return replace(one, prior=few**-0.5)
        case "sign-linear":
            return LinearLaw(d, n, family=family)
        case _:
            return LinearLaw(d, n, family=family, prior=max(d, 1) ** -0.5)


@dataclass(frozen=True)
class Stage:
    """Some steps of a network's training, all on one mixture of families."""

    families: tuple[FamilyName, ...]
    """Each prompt is of one of them, each as likely as another."""
    steps: int
    """How many."""
    batch: int
    """Prompts of a step, of all families together."""
    d: int
    """Features that are drawn; what is left of the course's is 0."""


@dataclass(frozen=True)
class Regimen:
    """What a schedule trains: networks that share nothing, one for all families or one for each."""

    networks: tuple[tuple[Stage, ...], ...]
    """The stages of each network; at every step all have batches of one size."""


def in_turn(steps: int, count: int) -> list[int]:
    """Lengths of `count` stages that share out the steps evenly, the first ones longer where there is a rest."""
    return [steps // count + (index < steps % count) for index in range(count)]
