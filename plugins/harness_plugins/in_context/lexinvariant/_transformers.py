"""Decoders with embeddings that are drawn for each sequence, in part or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import Context
from harness_plugins.in_context.arenas.language_models import check_size
from harness_plugins.in_context.arenas.languages.law import LanguageLaw
from harness_plugins.in_context.arenas.languages.planted import PlantedLaw
from harness_plugins.in_context.arenas.meta_learner import MetaLearner
from harness_plugins.in_context.arenas.prompts import FloatArray


@dataclass
class TiedTransformer(MetaLearner):
    """What they share: the decoder, its training, and logits by the embeddings that tokens have."""

    heads: int = 4
    """Attention heads; they divide the width."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 1, "width": 8, "heads": 2, "steps": 5, "batch": 4},
        "paper": {"layers": 12, "width": 768, "heads": 12, "steps": 250_000, "learning_rate": 2e-4},
    }

    def random_share(self) -> float:
        """The share of symbols that have random embeddings in a sequence of the training."""
        raise NotImplementedError

    def embedding_draws(self) -> int:
        """Draws of embeddings that a prediction is the mean over."""
        return 1

    def trainer(self) -> Callable[..., dict[str, Any]]:
        """On sequences of tokens, with embeddings of their own."""
        from harness_plugins.in_context.lexinvariant._decoder import meta_train

        return meta_train

    def architecture(self) -> dict[str, Any]:
        """Layers, width, heads, share of random embeddings."""
        return {**super().architecture(), "heads": self.heads, "random_share": self.random_share()}

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V); the same embeddings are drawn at every call.

        Raises:
            ValueError: it is not trained, or on other symbols or shorter sequences.
        """
        from harness_plugins.in_context.lexinvariant._decoder import predict

        check_size(self.weights(), tokens, vocabulary)
        return predict(self.weights(), self.architecture(), tokens, self.embedding_draws())


@dataclass
class LexinvariantTransformer(TiedTransformer):
    """A decoder with Gaussian embeddings, drawn afresh for each sequence and symbol.

    Lexinvariant is the mean over all embeddings; of a mean over S draws the error falls as 1 / sqrt(S).
    """

    draws: int = 1
    """Draws S of embeddings that a prediction is the mean over."""

    def random_share(self) -> float:
        """All."""
        return 1.0

    def embedding_draws(self) -> int:
        """As many as were asked for."""
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1, not {self.draws}")
        return self.draws


@dataclass
class PartlyLexinvariantTransformer(TiedTransformer):
    """A decoder regularised towards lexinvariance: each sequence of its training draws some of its embeddings."""

    share: float = 0.5
    """Probability with which a symbol of a training sequence has a random embedding."""

    def random_share(self) -> float:
        """As it was asked for."""
        return self.share


@dataclass
class StandardTransformer(TiedTransformer):
    """The same decoder with learnt embeddings: a symbol is what it was in training."""

    def random_share(self) -> float:
        """None."""
        return 0.0


@dataclass
class ProbedTransformer(LexinvariantTransformer):
    """A lexinvariant decoder that was never told a key, and a small network that reads off its states what it thinks.

    The decoder is frozen; the probe (two layers) learns from sequences whose keys are known to say what the present
    token stands for. What it says of a symbol's occurrences in the second half of a sequence is added up, and the key
    is the assignment of the highest sum.
    """

    probe_steps: int = 500
    """Gradient steps of the probe."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {**TiedTransformer.scales["smoke"], "probe_steps": 5},
        "paper": {**TiedTransformer.scales["paper"], "probe_steps": 10_000},
    }

    def meta_train(self, law: LanguageLaw, context: Context) -> None:
        """Train the decoder, then the probe.

        Raises:
            TypeError: the law has no keys.
        """
        if not isinstance(law, PlantedLaw):
            raise TypeError(f"ProbedTransformer learns from known keys; {type(law).__name__} has none")
        super().meta_train(law, context)

    def trainer(self) -> Callable[..., dict[str, Any]]:
        """On sequences alone, then on sequences with their keys."""
        from harness_plugins.in_context.lexinvariant._probe import train_probed

        return train_probed

    def training(self) -> dict[str, Any]:
        """The probe's steps too."""
        return {**super().training(), "probe_steps": self.probe_steps}

    def decipher(self, tokens: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
        """Tokens (B, T) -> plain symbols (B, V) of the symbols shown."""
        from scipy.optimize import linear_sum_assignment

        from harness_plugins.in_context.lexinvariant._probe import opinions

        check_size(self.weights(), tokens, vocabulary)
        said = opinions(self.weights(), self.architecture(), tokens)
        half = tokens.shape[1] // 2
        shown = np.eye(vocabulary)[tokens[:, half:]]  # (B, T/2, V)
        evidence = np.einsum("btv,btp->bvp", shown, said[:, half:])
        return np.stack([linear_sum_assignment(each, maximize=True)[1] for each in evidence])
