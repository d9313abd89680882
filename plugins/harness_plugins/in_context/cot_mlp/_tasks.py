"""Random networks whose intermediate activations stand in the prompt, and how many examples learning them takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from harness import Along, Context, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.preparing import law_of, prepare
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts

_WINDOW = 50
"""Steps of training whose error is averaged."""


@dataclass(frozen=True)
class Chains:
    """Prompts, the query last: what stands between input and label is written out."""

    X: FloatArray
    """Inputs, (B, n+1, d)."""
    S: FloatArray
    """Activations s^1, ..., s^(L-1), (B, n+1, L-1, k)."""
    Y: FloatArray
    """Labels, (B, n+1)."""


@dataclass
class ChainLaw:
    """s^l = sqrt(2 / k) relu(s^(l-1) W_l), s^0 = x ~ N(0, I), y = s^(L-1) v; weights N(0, 1), drawn for each prompt.

    The factor keeps E |s^l|^2 = d at every step, so that labels have mean 0 and variance d.
    """

    d: int = 10
    """Features of an input."""
    n: int = 40
    """Examples in a prompt; one query follows them."""
    hidden: int = 4
    """Units k of each hidden layer."""
    layers: int = 2
    """Weight matrices L; 2 is a network with one hidden layer."""

    def __post_init__(self) -> None:
        if min(self.d, self.n, self.hidden) < 1 or self.layers < 2:
            raise ValueError(
                "d, n and hidden must be at least 1 and layers at least 2, not "
                f"{self.d}, {self.n}, {self.hidden} and {self.layers}"
            )

    def weights(self, rng: np.random.Generator, batch: int) -> list[FloatArray]:
        """W_1 (B, d, k), W_2 (B, k, k), ..., v (B, k, 1)."""
        widths = self.widths()
        return [rng.standard_normal((batch, *sizes)) for sizes in pairwise(widths)]

    def widths(self) -> list[int]:
        """Numbers at each step: d, k, ..., k, 1."""
        return [self.d, *[self.hidden] * (self.layers - 1), 1]

    def draw(self, rng: np.random.Generator, batch: int) -> Chains:
        """Draw `batch` prompts."""
        weights = self.weights(rng, batch)
        return unroll(rng.standard_normal((batch, self.n + 1, self.d)), weights)


def unroll(X: FloatArray, weights: list[FloatArray]) -> Chains:
    """The chains that networks with weights W_1 (B, d, k), ..., v (B, k, 1) make of X (B, n+1, d)."""
    *inner, v = weights
    steps, s = [], X
    for W in inner:
        s = np.sqrt(2 / W.shape[2]) * np.maximum(s @ W, 0.0)
        steps.append(s)
    return Chains(X, np.stack(steps, axis=2), (s @ v)[..., 0])


@dataclass(frozen=True)
class Answered:
    """What a model said, and how it came to."""

    by_length: dict[int, FloatArray]
    """Its answers to the query, (B,), after each number of examples."""
    loss: FloatArray | None
    """The label's mean squared error in each step of training; None of models that are not trained."""


class ChainLearner(Protocol):
    """Predicts the label of a query from examples whose activations it may read."""

    def predict(self, X: FloatArray, S: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), S (B, n, L-1, k), Y (B, n) -> the last input's label, (B,)."""


@runtime_checkable
class Trained(Protocol):
    """A model that remembers how its training went."""

    def training_loss(self) -> FloatArray:
        """The label's mean squared error in each step of training, (steps,)."""


def check_chains(X: FloatArray, S: FloatArray, Y: FloatArray) -> tuple[int, int, int]:
    """The sizes (B, n, d) of prompts X (B, n+1, d), S (B, n, L-1, k), Y (B, n).

    Raises:
        ValueError: the shapes do not fit, something is empty, not a floating-point array or not finite.
    """
    batch, n, d = check_prompts(X, Y)
    if not isinstance(S, np.ndarray) or not np.issubdtype(S.dtype, np.floating) or S.ndim != 4 or 0 in S.shape:
        raise ValueError("S must be a floating-point array with 4 axes, none of them empty")
    if S.shape[:2] != (batch, n):
        raise ValueError(f"S must be ({batch}, {n}, L-1, k), as X and Y hold {n} examples, not {S.shape}")
    if not np.isfinite(S).all():
        raise ValueError("S has entries that are not finite")
    return batch, n, d


@metric(unit="1", direction="lower")
def relative_mse(instance: Chains, outcome: Answered) -> float:
    """Mean squared error at the query after all examples, over the labels' mean square."""
    return float(_errors(instance, outcome)[-1])


@metric(unit="1", direction="lower")
def error_curve(instance: Chains, outcome: Answered) -> Along:
    """The same after each of the numbers of examples that are asked for."""
    return Along(_errors(instance, outcome), examples=list(outcome.by_length))


@metric(unit="1", direction="higher")
def exact_share(instance: Chains, outcome: Answered) -> float:
    """Share of the prompts whose squared error after all examples is below 1e-10 of the labels' mean square."""
    *_, answers = outcome.by_length.values()
    errors = (answers - instance.Y[:, -1]) ** 2
    return float(np.mean(errors < 1e-10 * np.mean(instance.Y**2)))


@metric(unit="examples", direction="lower")
def examples_to_10_percent(instance: Chains, outcome: Answered) -> float | None:
    """Examples after which the relative error stays below 0.1; None if it does not come to that."""
    return crossing(list(outcome.by_length), _errors(instance, outcome), 0.1)


@metric(unit="examples", direction="lower")
def examples_to_1_percent(instance: Chains, outcome: Answered) -> float | None:
    """Examples after which the relative error stays below 0.01; None if it does not come to that."""
    return crossing(list(outcome.by_length), _errors(instance, outcome), 0.01)


@metric(unit="steps", direction="lower")
def steps_to_half(instance: Chains, outcome: Answered) -> float | None:
    """Steps of training until the label's error, a mean over 50 of them, is below half of the labels' mean square.

    The error is that of training: over all positions of a prompt, behind true activations. None if it never is, or if
    there is no training.
    """
    if outcome.loss is None or len(outcome.loss) < _WINDOW:
        return None
    means = np.convolve(outcome.loss, np.full(_WINDOW, 1 / _WINDOW), mode="valid")
    below = np.flatnonzero(means < 0.5 * np.mean(instance.Y**2))
    return float(below[0] + _WINDOW) if len(below) else None


def crossing(examples: list[int], errors: FloatArray, threshold: float) -> float | None:
    """Where a curve goes below the threshold for good: between two points, linear in the logarithm of the error."""
    above = np.flatnonzero(errors > threshold)
    if not len(above):
        return float(examples[0])
    last = int(above[-1])
    if last == len(examples) - 1:
        return None
    upper, lower = np.log(errors[last]), np.log(max(errors[last + 1], np.finfo(np.float64).tiny))
    share = (upper - np.log(threshold)) / (upper - lower)
    return float(examples[last] + share * (examples[last + 1] - examples[last]))


def _errors(instance: Chains, outcome: Answered) -> FloatArray:
    """Mean squared errors over the labels' mean square, one for each number of examples."""
    errors = [np.mean((answers - instance.Y[:, -1]) ** 2) for answers in outcome.by_length.values()]
    relative: FloatArray = np.array(errors) / np.mean(instance.Y**2)
    return relative


@dataclass
class MlpChain(Task[Chains, ChainLearner, Answered], ChainLaw):
    """Learn a random ReLU network from examples that show its activations; the same query after 1, 2, ... of them."""

    batch: int = 200
    """Prompts."""
    lengths: tuple[int, ...] = ()
    """Numbers of examples after which the query is put, rising, at most n; n itself is always the last."""

    protocol = ChainLearner
    metrics = (
        relative_mse,
        error_curve,
        exact_share,
        examples_to_10_percent,
        examples_to_1_percent,
        steps_to_half,
    )
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 12, "hidden": 2, "batch": 8},
        "paper": {"n": 100, "hidden": 8, "batch": 1280, "lengths": tuple(range(5, 100, 5))},
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1 prompt, not {self.batch}")
        if list(self.lengths) != sorted({*self.lengths} & {*range(1, self.n + 1)}):
            raise ValueError(f"lengths must rise and lie in 1..{self.n} (n), not {self.lengths}")

    def law(self) -> ChainLaw:
        """The distribution of the prompts."""
        return law_of(self, ChainLaw)

    def instance(self, context: Context) -> Chains:
        """Draw the prompts."""
        return self.draw(context.rng, self.batch)

    def run(self, model: ChainLearner, instance: Chains, context: Context) -> Answered:
        """The model's answers (B,) to the query, by number of examples."""
        prepare(model, self.law(), context)
        answers = {}
        for length in [*self.lengths, *([] if self.n in self.lengths else [self.n])]:
            with context.phase("predict"):
                answers[length] = model.predict(*shown(instance, length))
            self._check(answers[length])
        return Answered(answers, model.training_loss() if isinstance(model, Trained) else None)

    def operation(self, name: str, model: ChainLearner, instance: Chains, context: Context) -> Operation:
        """The answers after all examples, once the model is trained."""
        prepare(model, self.law(), context)
        call = partial(model.predict, *shown(instance, self.n))
        return Operation(call, self._check, items=self.batch, item="prompt")

    def _check(self, answers: Any) -> None:
        check_array(answers, "answers", "(B,)", (self.batch,))


def shown(instance: Chains, length: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Copies of the first `length` examples and of the query's input: X (B, length+1, d), S and Y (B, length, ...)."""
    X = np.concatenate([instance.X[:, :length], instance.X[:, -1:]], axis=1)
    return X, instance.S[:, :length].copy(), instance.Y[:, :length].copy()
