"""What a law of prompts is: it draws them, and knows the best answer to them if there is one in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harness_plugins.in_context.arenas.prompts import FloatArray


class Drawn(NamedTuple):
    """A batch of prompts, the query last."""

    X: FloatArray
    """Inputs, (B, n+1, d)."""
    Y: FloatArray
    """Labels that models are shown, (B, n): the pairs are (X[:, i], Y[:, i])."""
    targets: FloatArray
    """What is to be predicted at each position from the pairs before it, (B, n+1)."""


@dataclass
class Law:
    """A distribution of prompts: each has a function f of its own, inputs x, and labels f(x) + noise * N(0, 1)."""

    d: int = 8
    """Features of an input."""
    n: int = 40
    """Labelled examples in a prompt; one query follows them."""
    noise: float = 0.0
    """Standard deviation sigma of the label noise."""

    def __post_init__(self) -> None:
        if self.d < 1 or self.n < 1:
            raise ValueError(f"d and n must be at least 1, not {self.d} and {self.n}")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise must be >= 0 and finite, not {self.noise}")

    def draw(self, rng: np.random.Generator, batch: int) -> Drawn:
        """Draw `batch` prompts."""
        X, clean = self.draw_clean(rng, batch)
        targets = clean + self.noise * rng.standard_normal(clean.shape)
        return Drawn(X, targets[:, :-1], targets)

    def draw_clean(self, rng: np.random.Generator, batch: int) -> tuple[FloatArray, FloatArray]:
        """Inputs X (B, n+1, d) and their labels without noise, (B, n+1)."""
        raise NotImplementedError

    def posterior_mean(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """The prediction of least expected squared error at every position, given the law: (B, n+1).

        Raises:
            ValueError: it has no closed form.
        """
        raise ValueError(f"the posterior mean under {type(self).__name__} has no closed form")


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise a ValueError unless `value` is one of those known."""
    if value not in known:
        raise ValueError(f"{name} is {value!r}; there are {', '.join(known)}")
