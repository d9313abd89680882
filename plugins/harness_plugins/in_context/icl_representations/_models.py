"""The constructed transformers: models of this paper's tasks and of the family's arena."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Law, one_of
from harness_plugins.in_context.arenas.laws.networks import RepresentationLaw
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts
from harness_plugins.in_context.icl_representations._descent import prefix_weights
from harness_plugins.in_context.icl_representations._law import RepresentationDynamicsLaw
from harness_plugins.in_context.icl_representations._problem import Fitted, Problem

if TYPE_CHECKING:
    import torch

    from harness_plugins.in_context.icl_representations import _dynamics, _transformer
    from harness_plugins.in_context.icl_representations._layers import Descent

Attention: TypeAlias = Literal["causal", "full"]
Path: TypeAlias = Literal["fast", "dense"]
_PROMPTS_AT_ONCE = 64
"""Prompts that the fast path works on together: few enough for their Gram matrices to stay in the caches."""
_INPUTS = 10_000
"""Inputs that the bound on |Phi(x)| is taken from."""


@dataclass
class _Constructed:
    """What both constructed transformers share: gradient descent, and its parameters."""

    steps: int = 2000
    """Steps of gradient descent, a layer each."""
    learning_rate: float | None = None
    """Step size eta; None: 1 / (lambda + the largest |Phi(x)|^2 of many x), for which no prefix diverges."""
    penalty: float | None = None
    """lambda of 1/(2n) |Phi w - y|^2 + lambda / 2 |w|^2; None: the Bayes-optimal one for the whole prompt."""
    path: Path = "fast"
    """Every token of every layer, or what comes of them: gradient descent on Gram matrices."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"steps": 5}}

    def __post_init__(self) -> None:
        one_of("path", self.path, ("fast", "dense"))
        if self.steps < 0:
            raise ValueError(f"steps must be at least 0, not {self.steps}")
        for name, value in (("learning_rate", self.learning_rate), ("penalty", self.penalty)):
            if value is not None and not 0 <= value < np.inf:
                raise ValueError(f"{name} must be >= 0 and finite, or None, not {value}")

    def _descent(self, features: FloatArray, bayes: float) -> Descent:
        """The algorithm: `features` (..., D) bound the step size, `bayes` is the penalty unless another one is set."""
        from harness_plugins.in_context.icl_representations._layers import Descent

        penalty = bayes if self.penalty is None else self.penalty
        rate = self.learning_rate
        if rate is None:
            rate = 1 / (penalty + float(np.sum(features**2, axis=-1).max()))
        return Descent(rate, penalty, self.steps)


@dataclass
class RepresentationTransformer(_Constructed):
    """MLPs that compute Phi, then ridge regression on Phi by gradient descent, at every prefix (Theorem 1).

    It knows the representations of the law, as a trained one has learnt them. If there are several, it fits each and
    goes by the one with the smallest error on the half of the examples that it was not fitted to.
    """

    attention: Attention = "causal"
    """One pass for all prefixes, or each prefix by itself with every token in sight; the same answers."""

    _law: RepresentationLaw | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("attention", self.attention, ("causal", "full"))

    def inform(self, law: Law) -> None:
        """Learn the representations.

        Raises:
            ValueError: the law has none, or none with an activation.
        """
        if not isinstance(law, RepresentationLaw) or law.layers < 1:
            raise ValueError(f"{type(self).__name__} needs a RepresentationLaw with at least one layer, not {law}")
        self._law = law

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1).

        Raises:
            ValueError: the prompts are not legal, of another size than the law's, or no law is known.
        """
        law, n = self._known(X, Y)
        if self.path == "fast":
            return self._fast(law, X, Y)[0]
        predictions = np.zeros(X.shape[:2])
        if self.attention == "causal":
            network = self.network(n)
            predictions[:, 1:] = _last(network.states(X, Y))[:, 2::2, network.prediction].numpy()
        else:
            for i in range(1, n + 1):
                network = self.network(i)
                last = _last(network.states(X[:, : i + 1], Y[:, :i]))
                predictions[:, i] = last[:, -1, network.prediction].numpy()
        return predictions

    def select(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """Index of the representation that the query is answered by, (B,)."""
        law, n = self._known(X, Y)
        if law.representations == 1:
            return np.zeros(len(X))
        if self.path == "fast":
            return self._fast(law, X, Y)[1]
        network = self.network(n)
        behind = _last(network.states(X, Y))[:, -1, network.behind.start : network.behind.stop]
        chosen: FloatArray = behind.argmin(dim=1).double().numpy()
        return chosen

    def states(self, X: FloatArray, Y: FloatArray, most: int) -> FloatArray:
        """The tokens of x before the first layer and after each of the first `most`, (layers + 1, B, n+1, D)."""
        _, n = self._known(X, Y)
        return np.stack([h[:, 0::2].numpy() for h in islice(self.network(n).states(X, Y), most + 1)])

    def fit(self, problem: Problem) -> Fitted:
        """Run the problem's gradient descent, layer by layer; weights are read off the token of y_n."""
        law, n = problem.law, problem.Y.shape[1]
        network = self._build(law.matrices(), n, problem.descent())
        states = network.states(problem.X, problem.Y)
        w = network.w[0]
        begin = law.layers + 1
        path = [h[0, -2, w.start : w.stop].numpy().copy() for h in islice(states, begin, begin + problem.steps + 1)]
        return Fitted(np.stack(path), float(_last(states)[0, -1, network.prediction]), len(network.layers))

    def network(self, n: int) -> _transformer.RepresentationTransformer:
        """The transformer for prompts of n examples."""
        law = self._informed()
        return self._build(law.matrices(), n, self._algorithm(law))

    def weights(self, n: int) -> dict[str, torch.Tensor]:
        """Its matrices, by name: `layer-3.Q` and so on."""
        return self.network(n).weights()

    def depth(self) -> int:
        """Layers, for any n."""
        law = self._informed()
        return law.layers + self.steps + (4 if law.representations > 1 else 2)

    def _build(self, matrices: FloatArray, n: int, descent: Descent) -> _transformer.RepresentationTransformer:
        from harness_plugins.in_context.icl_representations import _transformer

        return _transformer.RepresentationTransformer(matrices, n, descent, causal=self.attention == "causal")

    def _fast(self, law: RepresentationLaw, X: FloatArray, Y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predictions (B, n+1), and the representation that answers the query (B,)."""
        descent = self._algorithm(law)
        answers = [_answer_fast(law.features(x), y, descent) for x, y in _split(X, Y)]
        return np.concatenate([each[0] for each in answers]), np.concatenate([each[1] for each in answers])

    def _algorithm(self, law: RepresentationLaw) -> Descent:
        inputs = np.random.default_rng(law.which).standard_normal((_INPUTS, law.d))
        return self._descent(law.features(inputs), law.noise**2 / (law.n * law.prior**2))

    def _informed(self) -> RepresentationLaw:
        if self._law is None:
            raise ValueError(f"{type(self).__name__} knows no law: it computes the representation of synthetic prompts")
        return self._law

    def _known(self, X: FloatArray, Y: FloatArray) -> tuple[RepresentationLaw, int]:
        law = self._informed()
        _, n, d = check_prompts(X, Y)
        if d != law.d:
            raise ValueError(f"the representations have {law.d} inputs, the prompts {d} features")
        return law, n


@dataclass
class RepresentationDynamicsTransformer(_Constructed):
    """Windows of states by copying, Phi by MLPs, the next state by gradient descent on all rows of W."""

    _law: RepresentationDynamicsLaw | None = field(default=None, init=False, repr=False)

    def inform(self, law: Law) -> None:
        """Learn the representation.

        Raises:
            ValueError: it is not a law of such systems, or has no layer.
        """
        if not isinstance(law, RepresentationDynamicsLaw) or law.layers < 1:
            raise ValueError(
                f"{type(self).__name__} needs a RepresentationDynamicsLaw with at least one layer, not {law}"
            )
        self._law = law

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1): the first coordinate of what follows each state.

        Raises:
            ValueError: the prompts are not legal, of another size than the law's, or no law is known.
        """
        check_prompts(X, Y)
        return self.next_states(X)[..., 0]

    def next_states(self, X: FloatArray) -> FloatArray:
        """X (B, T, d) -> predicted next states (B, T, d)."""
        law = self._informed()
        if X.shape[-1] != law.d:
            raise ValueError(f"the law has states of {law.d} coordinates, the prompts {X.shape[-1]} features")
        if self.path == "dense":
            dense: FloatArray = self.network(X.shape[1]).next_states(X).numpy()
            return dense
        descent = self._algorithm(law)
        return np.concatenate([_follow_fast(law.features(few), few, descent) for (few,) in _split(X)])

    def network(self, T: int) -> _dynamics.DynamicsTransformer:
        """The transformer for T states."""
        from harness_plugins.in_context.icl_representations import _dynamics

        law = self._informed()
        return _dynamics.DynamicsTransformer(law.matrices(), T, law.d, self._algorithm(law))

    def depth(self) -> int:
        """Layers, for any number of states."""
        return self._informed().layers + self.steps + 3

    def _algorithm(self, law: RepresentationDynamicsLaw) -> Descent:
        X, _, _ = law.draw(np.random.default_rng(law.which), _INPUTS // law.n + 1)
        prior = law.gain**2 / (law.window * law.d)
        return self._descent(law.features(X), law.noise**2 / ((law.n + 1) * prior))

    def _informed(self) -> RepresentationDynamicsLaw:
        if self._law is None:
            raise ValueError(f"{type(self).__name__} knows no law: it computes the representation of synthetic systems")
        return self._law


def _answer_fast(features: FloatArray, Y: FloatArray, descent: Descent) -> tuple[FloatArray, FloatArray]:
    """Features (K, B, n+1, d), Y (B, n) -> predictions (B, n+1), and the representation of the query's (B,)."""
    K, batch, n = len(features), *Y.shape
    each = np.zeros((K, batch, n + 1))
    errors = np.zeros((K, batch, n))  # behind each prefix
    fitted = np.arange(n) % 2 == 0
    for k, phi in enumerate(features):
        shown = phi[:, :-1]
        w = prefix_weights(shown, Y[..., None], descent, np.ones(n))[..., 0]  # (B, n, d)
        each[k, :, 1:] = np.einsum("bid,bid->bi", w, phi[:, 1:])
        if K > 1:
            v = prefix_weights(shown, Y[..., None], descent, fitted.astype(float))[..., 0]
            residuals = np.einsum("bid,bsd->bis", v, shown) - Y[:, None]
            errors[k] = np.sum(np.tril(np.abs(residuals)) * ~fitted, axis=-1)
    chosen = errors.argmin(axis=0)  # (B, n)
    predictions = np.zeros((batch, n + 1))
    predictions[:, 1:] = np.take_along_axis(each[:, :, 1:], chosen[None], axis=0)[0]
    return predictions, chosen[:, -1].astype(float)


def _follow_fast(phi: FloatArray, X: FloatArray, descent: Descent) -> FloatArray:
    """Features phi (B, T, kd) of the states X (B, T, d) -> what is predicted to follow each, (B, T, d)."""
    before = np.concatenate([np.zeros_like(phi[:, :1]), phi[:, :-1]], axis=1)
    W = prefix_weights(before, X, descent, np.ones(X.shape[1]))  # (B, T, kd, d)
    following: FloatArray = np.einsum("bikd,bik->bid", W, phi)
    return following


def _split(*arrays: FloatArray) -> list[tuple[FloatArray, ...]]:
    """The arrays in pieces of a few prompts."""
    starts = range(0, len(arrays[0]), _PROMPTS_AT_ONCE)
    return [tuple(array[start : start + _PROMPTS_AT_ONCE] for array in arrays) for start in starts]


def _last(states: Iterator[torch.Tensor]) -> torch.Tensor:
    """The last of the states; those before are forgotten one by one."""
    return deque(states, maxlen=1)[0]
