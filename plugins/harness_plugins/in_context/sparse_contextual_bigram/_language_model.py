"""The trained layer as a language model, so that it meets counting and other networks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from harness import Context
from harness_plugins.in_context.arenas.languages.contextual_bigram import ContextualBigramLaw, IntArray
from harness_plugins.in_context.arenas.languages.law import check_tokens
from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.sparse_contextual_bigram._attention import Stream, Weights, predict
from harness_plugins.in_context.sparse_contextual_bigram._learners import (
    GradientDescent,
    ProximalGradient,
    SoftmaxAttention,
)

LearnerName: TypeAlias = Literal["proximal-gradient", "gradient-descent", "softmax-attention"]

_LEARNERS: Mapping[str, type[ProximalGradient] | type[GradientDescent] | type[SoftmaxAttention]] = {
    "proximal-gradient": ProximalGradient,
    "gradient-descent": GradientDescent,
    "softmax-attention": SoftmaxAttention,
}
_LEAST = 1e-6
"""Least probability: V X a is a distribution where A and V are right, and may leave the simplex elsewhere."""


@dataclass
class LinearTransformer:
    """One layer of linear attention V X a^(k), trained on samples of a sparse contextual bigram."""

    learner: LearnerName = "proximal-gradient"
    """How it is trained; each with its own defaults."""
    steps: int = 800
    """Steps."""
    batch: int = 256
    """Fresh samples of a step."""
    _weights: Mapping[str, FloatArray] | None = field(default=None, init=False, repr=False)

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"steps": 20, "batch": 16},
        "paper": {"steps": 20_000, "batch": 64},
    }

    def meta_train(self, law: ContextualBigramLaw, context: Context) -> None:
        """Train on the law's samples, or take what was trained with the same parameters and seed.

        Raises:
            TypeError: the law is of another kind.
            ValueError: a parameter is out of range.
        """
        one_of("learner", self.learner, tuple(_LEARNERS))
        if not isinstance(law, ContextualBigramLaw):
            raise TypeError(f"LinearTransformer learns sparse contextual bigrams; {type(law).__name__} is none")
        self._weights = context.cached(
            train, law=law, learner=self.learner, steps=self.steps, batch=self.batch, seed=context.seed
        )

    def next_token_probabilities(self, tokens: IntArray, vocabulary: int) -> FloatArray:
        """Tokens (B, T+1) -> (B, T+1, N): V X a after the query, mu before, where nothing is known to look at.

        Raises:
            ValueError: it is not trained, or on other sizes.
        """
        shape = check_tokens(tokens, vocabulary)
        if self._weights is None:
            raise ValueError("LinearTransformer needs meta_train first")
        A, V, mu = (self._weights[name] for name in ("A", "V", "mu"))
        if (shape[1] - 1, vocabulary) != A.shape:
            raise ValueError(
                f"trained on {A.shape[1]} symbols, {len(A) + 1} tokens; these are {vocabulary} and {shape[1]}"
            )
        probabilities = np.tile(mu, (*shape, 1))
        said = predict(Weights(A, V), tokens).clip(min=_LEAST)
        probabilities[:, -1] = said / said.sum(axis=1, keepdims=True)
        return probabilities


def train(*, law: ContextualBigramLaw, learner: str, steps: int, batch: int, seed: int) -> dict[str, FloatArray]:
    """The weights A (T, N) and V (N, N) after all steps, and mu (N,).

    Raises:
        ValueError: training diverged in its first step.
    """
    stream = Stream(law.bigram(), batch, steps, np.random.default_rng(seed))
    last = deque(_LEARNERS[learner]().train(stream), maxlen=1)
    if not last:
        raise ValueError(f"{learner} diverged at once")
    return {"A": last[0].A, "V": last[0].V, "mu": stream.mu}
