"""The models of this paper: the construction, the trained transformers, and those that see inputs and labels alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np

from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.meta_learner import MetaLearner
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.cot_mlp._tasks import ChainLaw, check_chains

if TYPE_CHECKING:
    import torch

Filtering: TypeAlias = Literal["attention", "indexing"]
Solver: TypeAlias = Literal["least-squares", "gradient-descent"]


@dataclass
class CotFilterOls:
    """Filtering by attention, then regression, step by step; each step is taken on the query's own last answer."""

    filtering: Filtering = "attention"
    """Constructed layers of attention, or the arrays themselves, which hold the same pairs."""
    solver: Solver = "least-squares"
    """How the weights of a step are found."""
    steps: int = 1000
    """Steps of gradient descent."""

    def __post_init__(self) -> None:
        one_of("filtering", self.filtering, ("attention", "indexing"))
        one_of("solver", self.solver, ("least-squares", "gradient-descent"))
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")

    def predict(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), S (B, n, L-1, k), Y (B, n) -> the last input's label, (B,)."""
        answer: FloatArray = self._walk(X, S, Y)[-1][1][:, 0].numpy()
        return answer

    def recovered(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> list[FloatArray]:
        """What is found for W_1 (B, d, k), W_2 (B, k, k), ..., v (B, k, 1)."""
        *inner, v = (weights.numpy() for weights, _ in self._walk(X, S, Y))
        return [*(weights / np.sqrt(2 / weights.shape[2]) for weights in inner), v]

    def weights(self, law: ChainLaw) -> dict[str, torch.Tensor]:
        """The filtering layers for prompts of the law, written out: `ask.Q` (1, r, D), ..., `filter.V` (3, D, D)."""
        from harness_plugins.in_context.cot_mlp._filter import Filter

        return Filter(law.n, law.layers, max(law.widths())).weights()

    def _walk(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> list[tuple[torch.Tensor, torch.Tensor]]:
        from harness_plugins.in_context.cot_mlp._chain import walk

        check_chains(X, S, Y)
        descent = self.steps if self.solver == "gradient-descent" else 0
        return list(walk(X, S, Y, self.filtering == "attention", descent))


@dataclass
class _TrainedTransformer(MetaLearner):
    """Training on chains, and predicting with what was learnt."""

    width: int = 32
    """Units of the residual stream."""
    steps: int = 2800
    """Gradient steps, each on fresh prompts."""
    batch: int = 16
    """Prompts of a step."""
    heads: int = 2
    """Attention heads; they divide the width."""
    first: int = 6
    """Points of a prompt at the start of the curriculum; 0 for all from the start."""
    growth: int = 1
    """Points that the curriculum adds ..."""
    every: int = 60
    """... after so many steps."""

    mode: ClassVar[str]
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 1, "width": 8, "steps": 5, "batch": 4},
        "paper": {
            "layers": 6,
            "width": 128,
            "heads": 4,
            "steps": 500_000,
            "batch": 64,
            "learning_rate": 1e-4,
            "first": 26,
            "growth": 5,
            "every": 2000,
        },
    }

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.every) < 1:
            raise ValueError(
                f"steps, batch and every must be at least 1, not {self.steps}, {self.batch} and {self.every}"
            )
        if self.first < 0 or self.growth < 0:
            raise ValueError(f"first and growth must be >= 0, not {self.first} and {self.growth}")

    def trainer(self) -> Callable[..., dict[str, Any]]:
        """On prompts of chains."""
        from harness_plugins.in_context.cot_mlp._transformer import meta_train

        return meta_train

    def training(self) -> dict[str, Any]:
        """The curriculum too."""
        return {**super().training(), "first": self.first, "growth": self.growth, "every": self.every}

    def architecture(self) -> dict[str, Any]:
        """What is read and written, layers, width, heads."""
        return {**super().architecture(), "heads": self.heads, "mode": self.mode}

    def training_loss(self) -> FloatArray:
        """The label's mean squared error in each step of training, (steps,)."""
        return np.asarray(self.weights()["loss"])

    def predict(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), S (B, n, L-1, k), Y (B, n) -> the last input's label, (B,).

        Raises:
            ValueError: it is not trained, or on prompts of another size.
        """
        from harness_plugins.in_context.cot_mlp._transformer import predict

        _, n, d = check_chains(X, S, Y)
        weights = self.weights()
        most, *trained = (int(size) for size in weights["size"])
        sizes = [d, S.shape[3], S.shape[2] + 1]
        if n > most or sizes != trained:
            raise ValueError(
                f"trained on n <= {most} and d, hidden, layers = {trained}; these prompts have {n} and {sizes}"
            )
        return predict(weights, self.architecture(), X, S, Y)


@dataclass
class CotIoTransformer(_TrainedTransformer):
    """CoT-I/O: reads the steps of the examples and writes its own at the query, then the label."""

    mode: ClassVar[str] = "cot-io"


@dataclass
class CotITransformer(_TrainedTransformer):
    """CoT-I: reads the steps of the examples and answers the label at once."""

    mode: ClassVar[str] = "cot-i"


@dataclass
class IclTransformer(_TrainedTransformer):
    """Vanilla in-context learning: inputs and labels alone."""

    mode: ClassVar[str] = "icl"


@dataclass
class LinearRidge:
    """Ridge regression on x, its penalty chosen in each prompt by leaving one example out."""

    penalty: float | None = None
    """A fixed penalty, 0 for ordinary least squares of least norm; None for cross-validation."""

    def predict(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> the last input's label, (B,); S is not looked at."""
        from harness_plugins.in_context.arenas.ridge import ridge_prediction
        from harness_plugins.in_context.cot_mlp._baselines import ridge

        check_chains(X, S, Y)
        if self.penalty is not None:
            return ridge_prediction(X, Y, self.penalty)[:, -1]
        return ridge(X, Y)


@dataclass
class RandomFeatureRidge:
    """Ridge regression on random features relu(A x), its penalty chosen as in `LinearRidge`.

    With many features their inner products are the arc-cosine kernel, which is the covariance of the labels of networks
    with one hidden layer: no predictor that is linear in the labels has a smaller expected error.
    """

    features: int = 2048
    """Features; A is N(0, 1 / d)."""
    start: int = 0
    """Seed of A."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"features": 64}, "paper": {"features": 8192}}

    def predict(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> the last input's label, (B,); S is not looked at."""
        from harness_plugins.in_context.cot_mlp._baselines import random_features, ridge

        check_chains(X, S, Y)
        if self.features < 1:
            raise ValueError(f"features must be at least 1, not {self.features}")
        return ridge(random_features(X, self.features, self.start), Y)


@dataclass
class AdamMlp:
    """A two-layer ReLU network that is trained on the pairs (x, y) of each prompt, best of several starts."""

    hidden: int = 16
    """Hidden units."""
    restarts: int = 5
    """Starts; the network that is best on held-out examples answers."""
    steps: int = 1500
    """Steps of Adam."""
    learning_rate: float = 1e-2
    """Its step size."""
    start: int = 0
    """Seed of the initial weights."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"restarts": 2, "steps": 10}, "paper": {}}

    def predict(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> the last input's label, (B,); S is not looked at."""
        from harness_plugins.in_context.cot_mlp._baselines import network

        check_chains(X, S, Y)
        if min(self.hidden, self.restarts, self.steps) < 1:
            raise ValueError(
                f"hidden, restarts and steps must be at least 1, not {self.hidden}, {self.restarts} and {self.steps}"
            )
        return network(X, Y, self.hidden, self.restarts, self.steps, self.learning_rate, self.start)
