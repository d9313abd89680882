"""Prompts of in-context regression: the laws they are drawn from, and what a legal prompt looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
FunctionFamily: TypeAlias = Literal["linear", "hetero-linear", "sparse-linear"]


@dataclass(frozen=True)
class PromptLaw:
    """The distribution of prompts: for each a fresh function f, inputs x, and labels y = f(x) + noise * N(0, 1)."""

    family: FunctionFamily
    """Which functions are drawn; one per prompt."""
    d: int
    """Features of an input."""
    n: int
    """Labelled examples in a prompt; one query follows them."""
    noise: float
    """Standard deviation sigma of the label noise."""
    prior: float
    """Standard deviation tau of a weight (of the first one in `hetero-linear`)."""
    nonzeros: int
    """Weights that are not zero in `sparse-linear`."""

    def __post_init__(self) -> None:
        if self.family not in get_args(FunctionFamily):
            raise ValueError(f"family is {self.family!r}; there are {', '.join(get_args(FunctionFamily))}")
        if self.d < 1 or self.n < 1:
            raise ValueError(f"d and n must be at least 1, not {self.d} and {self.n}")
        if not (self.noise >= 0 and self.prior > 0):
            raise ValueError(f"noise must be >= 0 and prior > 0, not {self.noise} and {self.prior}")
        if self.family == "sparse-linear" and not 1 <= self.nonzeros <= self.d:
            raise ValueError(f"nonzeros must lie in 1..{self.d} (d), not {self.nonzeros}")

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[FloatArray, FloatArray]:
        """Draw `batch` prompts: X (batch, n+1, d) and Y (batch, n+1), the query and its label last."""
        X, clean = FAMILIES[self.family](rng, self, batch)
        return X, clean + self.noise * rng.standard_normal(clean.shape)

    def weight_variances(self) -> FloatArray:
        """Prior variance of each weight, (d,), given that the family is linear in its weights."""
        variances = np.full(self.d, self.prior**2)
        if self.family == "hetero-linear":
            return variances / np.arange(1, self.d + 1) ** 2
        if self.family == "sparse-linear":
            return variances * self.nonzeros / self.d
        return variances


def _linear(rng: np.random.Generator, law: PromptLaw, batch: int) -> tuple[FloatArray, FloatArray]:
    """f(x) = w.x with w ~ N(0, tau^2 I), x ~ N(0, I)."""
    return _labelled(rng, law, law.prior * rng.standard_normal((batch, law.d)))


def _hetero_linear(rng: np.random.Generator, law: PromptLaw, batch: int) -> tuple[FloatArray, FloatArray]:
    """f(x) = w.x with w_i ~ N(0, tau^2 / i^2), i = 1..d, x ~ N(0, I)."""
    return _labelled(rng, law, law.prior * rng.standard_normal((batch, law.d)) / np.arange(1, law.d + 1))


def _sparse_linear(rng: np.random.Generator, law: PromptLaw, batch: int) -> tuple[FloatArray, FloatArray]:
    """f(x) = w.x with `nonzeros` entries of w ~ N(0, tau^2) at places drawn without replacement, x ~ N(0, I)."""
    places = np.argsort(rng.random((batch, law.d)), axis=1)  # (B, d): a random permutation per prompt
    weights = law.prior * rng.standard_normal((batch, law.d))
    return _labelled(rng, law, np.where(places < law.nonzeros, weights, 0.0))


def _labelled(rng: np.random.Generator, law: PromptLaw, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gaussian inputs (B, n+1, d) and their noiseless labels (B, n+1) under weights (B, d)."""
    X = rng.standard_normal((len(weights), law.n + 1, law.d))
    return X, np.einsum("bid,bd->bi", X, weights)


FAMILIES: dict[FunctionFamily, Callable[[np.random.Generator, PromptLaw, int], tuple[FloatArray, FloatArray]]] = {
    "linear": _linear,
    "hetero-linear": _hetero_linear,
    "sparse-linear": _sparse_linear,
}
"""How each family draws X (B, n+1, d) and noiseless labels (B, n+1). A new family is a name above and a line here."""


def check_prompts(X: FloatArray, Y: FloatArray) -> tuple[int, int, int]:
    """The sizes (B, n, d) of prompts X (B, n+1, d) with labels Y (B, n).

    Raises:
        ValueError: the shapes do not fit, something is empty, not a floating-point array or not finite.
    """
    for name, array, axes in (("X", X, 3), ("Y", Y, 2)):
        if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.floating):
            kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise ValueError(f"{name} must be a floating-point array, not {kind}")
        if array.ndim != axes or 0 in array.shape:
            raise ValueError(f"{name} must have {axes} axes, none of them empty; its shape is {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has entries that are not finite")
    batch, length, d = X.shape
    if Y.shape != (batch, length - 1):
        raise ValueError(
            f"X {X.shape} holds {length - 1} examples and a query for {batch} prompts, so Y must be "
            f"{(batch, length - 1)}, not {Y.shape}"
        )
    return batch, length - 1, d
