"""One-Layer Transformer Provably Learns One-Nearest Neighbor In Context (arXiv:2411.10830, NeurIPS 2024).

Z. Li, Y. Cao, C. Gao, Y. He, H. Liu, J. Klusowski, J. Fan, M. Wang. One layer of softmax attention, trained by gradient
descent on prompts whose labels mean nothing, becomes the rule of the nearest neighbour, and keeps to it on prompts of
another distribution.

- The layer reads h_i = [x_i, y_i, 0] for N examples and [x_(N+1), 0, 1] for the query, and answers the label coordinate
  of H softmax(H^T W h_(N+1)). Of W (d+2, d+2) matter W_11, which compares inputs, and W_33, the query's score for
  itself. With x on the sphere, W_11 = xi_1 I and W_33 = -xi_2, both large, are the nearest neighbour exactly:
  `NearestNeighborLimit`.
- `SoftmaxAttention` gets there: full-batch gradient descent with a constant step on

      L(W) = 1/2 E (answer - y_(i*))^2,    i* the nearest example,

  from W(0) = 0 but for W_33 = -sigma. All of W is free, the gradient is exact (`_attention.py`). In expectation it
  keeps the form (xi_1, xi_2), as the law of the prompts is invariant under rotations and changes of the labels'
  signs; L is not convex in these two, and tends to 0 as they tend to infinity.
- Baselines: `LinearAttention`, the same without the softmax; `KernelRegression`, the softmax with a width that is
  chosen in each prompt by cross-validation; the family's `in-context/k-nearest-neighbors` with k = 1 and 3.

Where this departs from the paper, or fills in what it leaves open:
- The population is replaced by 10 000 prompts, as in the paper's experiments; claims are judged on others.
- sigma = 3 and step size 5 are choices of this implementation. With sigma = 0 the query would attend to itself as much
  as to any example. 1000 steps, where the paper takes 2000.
- The loss of linear attention is quadratic: training `exact` takes its minimum, the best that any descent can do.
- W is used with one query a prompt in training; `predict` asks it at every position, with the pairs before.

    harness claims one-nearest-neighbor --self-test
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from harness import Claim, Context, Paper, difference, measured
from harness_plugins.in_context.arenas.laws.law import Law, one_of
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts
from harness_plugins.in_context.one_nearest_neighbor._attention import Kind, Training, initial, predict, train
from harness_plugins.in_context.one_nearest_neighbor._tasks import LearnNearestNeighbor

_INVERSE_WIDTHS = tuple(2.0**power for power in range(9))
"""xi_1 that cross-validation chooses from: 1 to 256."""


class _Layer:
    """One attention layer, whatever its matrix comes from."""

    kind: ClassVar[Kind] = "softmax"

    def matrix(self, d: int) -> FloatArray:
        """W (d+2, d+2), for inputs of d features."""
        raise NotImplementedError

    def weights(self, d: int) -> dict[str, FloatArray]:
        """`W`, all that the layer has."""
        return {"W": self.matrix(d)}

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), causal."""
        _, _, d = check_prompts(X, Y)
        return predict(self.matrix(d), X, Y, self.kind)


@dataclass
class _TrainedLayer(_Layer):
    """Training a layer."""

    prompts: int = 10_000
    """Training prompts."""
    steps: int = 1000
    """Steps of gradient descent, each on all prompts."""
    learning_rate: float = 5.0
    """The constant step size."""
    corner: float = 3.0
    """sigma: W(0) is -sigma where the query meets itself, and 0 elsewhere."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"prompts": 300, "steps": 50},
        "paper": {"steps": 2000},
    }
    _trained: dict[str, Any] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.prompts < 1 or self.steps < 1:
            raise ValueError(f"prompts and steps must be at least 1, not {self.prompts} and {self.steps}")
        if not 0 < self.learning_rate < np.inf:
            raise ValueError(f"learning_rate must be positive and finite, not {self.learning_rate}")
        if not 0 <= self.corner < np.inf:
            raise ValueError(f"corner must be >= 0 and finite, not {self.corner}")

    def meta_train(self, law: Law, context: Context) -> None:
        """Train on prompts of the law, or take what was trained with the same parameters and seed."""
        self._trained = context.cached(
            train,
            law=law,
            kind=self.kind,
            training=self.how(),
            corner=self.corner,
            prompts=self.prompts,
            steps=self.steps,
            learning_rate=self.learning_rate,
            seed=context.seed,
        )

    def how(self) -> Training:
        """How it is trained."""
        return "gradient-descent"

    def matrix(self, d: int) -> FloatArray:
        """W (d+2, d+2).

        Raises:
            ValueError: it is not trained, or on inputs of another size.
        """
        W = self._trained_part("W")
        if W.shape != (d + 2, d + 2):
            raise ValueError(f"trained on d = {len(W) - 2}; these prompts have {d}")
        return W

    def training_loss(self) -> FloatArray:
        """The loss before each step and after the last, (steps + 1,)."""
        return self._trained_part("loss")

    def _trained_part(self, name: str) -> FloatArray:
        if self._trained is None:
            raise ValueError(f"{type(self).__name__} needs meta_train first; real data has no law to train on")
        part: FloatArray = self._trained[name]
        return part


@dataclass
class SoftmaxAttention(_TrainedLayer):
    """One layer of softmax attention, trained by gradient descent: what the paper is about."""


@dataclass
class LinearAttention(_TrainedLayer):
    """The same layer without the softmax, on the same prompts."""

    learning_rate: float = 1.0
    """The constant step size; descent on this quadratic loss diverges from some 2 on."""
    training: Training = "gradient-descent"
    """Descent, or the minimum it tends to."""

    kind: ClassVar[Kind] = "linear"

    def how(self) -> Training:
        """As the parameter says."""
        one_of("training", self.training, ("gradient-descent", "exact"))
        return self.training


@dataclass
class NearestNeighborLimit(_Layer):
    """Where training leads to: W_11 = xi_1 I and W_33 = -xi_2, so large that the softmax is a choice.

    On the sphere the largest inner product is the smallest distance. With a gap of g between the two nearest examples'
    inner products the answer is within 2 n exp(-xi_1 g) of the nearest label, for labels in -1..1.
    """

    sharpness: float = 1e4
    """xi_1."""
    mask: float = 1e5
    """xi_2; the query's score for itself, |x|^2 xi_1 - xi_2, has to be far below those for examples."""

    def matrix(self, d: int) -> FloatArray:
        """W (d+2, d+2)."""
        if not (0 < self.sharpness < np.inf and 0 < self.mask < np.inf):
            raise ValueError(f"sharpness and mask must be positive and finite, not {self.sharpness} and {self.mask}")
        W = initial(d, self.mask)
        W[:d, :d] = self.sharpness * np.eye(d)
        return W


@dataclass
class KernelRegression:
    """Nadaraya's and Watson's estimator: the mean label, weighted by exp(-xi_1 |x - x_i|^2 / 2).

    On the sphere that is softmax attention with W_11 = xi_1 I and a masked query. Where `sharpness` is None, xi_1 is
    chosen anew for each prefix of each prompt, by leaving out one example after the other.
    """

    sharpness: float | None = None
    """xi_1, the inverse of the squared width; None for cross-validation over 1, 2, 4, ..., 256."""

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), causal."""
        batch, n, _ = check_prompts(X, Y)
        if self.sharpness is not None and not 0 < self.sharpness < np.inf:
            raise ValueError(f"sharpness must be positive and finite, not {self.sharpness}")
        grid = np.array(_INVERSE_WIDTHS if self.sharpness is None else [self.sharpness])
        squared = np.sum((X[:, :, None] - X[:, None, :]) ** 2, axis=-1)  # (B, n+1, n+1)
        predictions = np.zeros((batch, n + 1))
        for i in range(1, n + 1):
            chosen = grid[_best_by_leaving_one_out(squared[:, :i, :i], Y[:, :i], grid)]  # (B,)
            weights = _weights(-0.5 * chosen[:, None] * squared[:, i, :i])
            predictions[:, i] = np.einsum("bj,bj->b", weights, Y[:, :i])
        return predictions


def _best_by_leaving_one_out(squared: FloatArray, Y: FloatArray, grid: FloatArray) -> np.ndarray:
    """Which xi_1 of the grid predicts each label Y (B, i) best from the others: indices (B,)."""
    i = Y.shape[1]
    if i == 1 or len(grid) == 1:  # nothing to choose by, or from
        return np.zeros(len(Y), dtype=int)
    others = np.where(np.eye(i, dtype=bool), np.inf, squared)
    weights = _weights(-0.5 * grid[:, None, None, None] * others)  # (G, B, i, i)
    errors = (np.einsum("gbkj,bj->gbk", weights, Y) - Y) ** 2
    return np.asarray(errors.sum(axis=-1).argmin(axis=0))


def _weights(scores: FloatArray) -> FloatArray:
    weights: FloatArray = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


_TASK = "one-nearest-neighbor/learn-nearest-neighbor"
_SOFTMAX = "one-nearest-neighbor/softmax-attention"
_LINEAR = "one-nearest-neighbor/linear-attention"
_SMALL, _LARGE = {"d": 4, "n": 4}, {"d": 8, "n": 16}
_BOTH: list[dict[str, Any]] = [{"tasks": [{_TASK: _SMALL}, {_TASK: _LARGE}], "models": [_SOFTMAX], "seeds": 5}]

claims = [
    Claim(
        "learns-1nn",
        "Trained by gradient descent on prompts with random labels, one softmax layer answers as the nearest example.",
        figure="the loss tends to 0: the main theorem, and a figure; no number is taken over",
        criterion="agreement in sign on new prompts, mean of 5 seeds with its interval: at least 0.98 for n = d = 4, "
        "at least 0.94 for n = 16, d = 8",
        cells=_BOTH,
        check=measured("agreement", _SOFTMAX, d=4).at_least(0.98) & measured("agreement", _SOFTMAX, d=8).at_least(0.94),
    ),
    Claim(
        "isotropic",
        "Gradient descent keeps W_11 a multiple of the identity, though all of its entries are free.",
        figure="W_11 = xi_1 I exactly, in expectation over prompts (a proof)",
        criterion="isotropy after training below 0.05, mean of 5 seeds with its interval, at both sizes",
        cells=_BOTH,
        check=measured("isotropy", _SOFTMAX).less_than(0.05),
    ),
    Claim(
        "shift",
        "The trained layer is right on prompts of another distribution, where the nearest example is the query itself.",
        figure="the error under the shift is small; a figure, no number",
        criterion="shifted-mse at delta = 0.5 below 0.01 (labels have variance 1), mean of 5 seeds with its interval",
        cells=_BOTH,
        check=measured("shifted-mse", _SOFTMAX, delta=0.5).less_than(0.01),
    ),
    Claim(
        "linear-fails",
        "Without the softmax the same layer does not learn the rule, not even at the minimum of its loss.",
        figure="none: softmax attention is what the theorem rests on",
        criterion="n = 16, d = 8, 5 seeds with interval: agreement of linear attention below 0.85, by descent and at "
        "the minimum, and below that of softmax attention on the same prompts",
        cells=[
            {
                "tasks": [{_TASK: _LARGE}],
                "models": [_SOFTMAX, {_LINEAR: {"training": ["gradient-descent", "exact"]}}],
                "seeds": 5,
            }
        ],
        check=measured("agreement", _LINEAR).less_than(0.85) & difference("agreement", _SOFTMAX, _LINEAR).more_than(0),
    ),
]

paper = Paper(
    title="One-Layer Transformer Provably Learns One-Nearest Neighbor In Context",
    arxiv="2411.10830",
    year=2024,
    venue="NeurIPS",
    tasks=[LearnNearestNeighbor],
    constructions=[SoftmaxAttention, NearestNeighborLimit],
    baselines=[LinearAttention, KernelRegression],
    claims=claims,
)
