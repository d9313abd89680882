"""Decoders with embeddings that are drawn for each sequence, in part or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness import Context
from harness_plugins.in_context.arenas.languages.law import LanguageLaw, check_tokens
from harness_plugins.in_context.arenas.languages.planted import PlantedLaw
from harness_plugins.in_context.arenas.prompts import FloatArray


@dataclass
class TiedTransformer:
    """What they share: the decoder, its training, and logits by the embeddings that tokens have."""

    layers: int = 2
    """Layers."""
    width: int = 64
    """Units of the residual stream."""
    heads: int = 4
    """Attention heads; they divide the width."""
    steps: int = 1000
    """Gradient steps, each on fresh sequences."""
    batch: int = 32
    """Sequences of a step."""
    learning_rate: float = 3e-3
    """Adam's step size at its height, after a fifth of the steps."""
    _weights: dict[str, Any] | None = field(default=None, init=False, repr=False)
    _seed: int = field(default=0, init=False, repr=False)

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

    def architecture(self) -> dict[str, Any]:
        """What builds the network, beside the size of the sequences."""
        return {"width": self.width, "layers": self.layers, "heads": self.heads, "random_share": self.random_share()}

    def meta_train(self, law: LanguageLaw, context: Context) -> None:
        """Train on the law's training languages, or take what was trained with the same parameters and seed."""
        from harness_plugins.in_context.lexinvariant._decoder import meta_train

        self._seed = context.seed
        self._weights = context.cached(meta_train, law=law, **self.training())

    def training(self) -> dict[str, Any]:
        """What training depends on, beside the law."""
        return {
            "architecture": self.architecture(),
            "steps": self.steps,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
            "seed": self._seed,
        }

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V); the same embeddings are drawn at every call.

        Raises:
            ValueError: it is not trained, or on other symbols or shorter sequences.
        """
        from harness_plugins.in_context.lexinvariant._decoder import predict

        weights = self.trained(tokens, vocabulary)
        return predict(weights, self.architecture(), tokens, self.embedding_draws(), self._seed)

    def trained(self, tokens: NDArray[np.int64], vocabulary: int) -> dict[str, Any]:
        """The weights, if they are for such tokens.

        Raises:
            ValueError: there are none, or for other symbols or shorter sequences.
        """
        _, length = check_tokens(tokens, vocabulary)
        if self._weights is None:
            raise ValueError(f"{type(self).__name__} needs meta_train first")
        known, longest = self._weights["size"]
        if vocabulary != known or length > longest:
            raise ValueError(f"trained on {known} symbols, T <= {longest}; these are {vocabulary} and {length}")
        return self._weights


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
        from harness_plugins.in_context.lexinvariant._probe import train_probed

        if not isinstance(law, PlantedLaw):
            raise TypeError(f"ProbedTransformer learns from known keys; {type(law).__name__} has none")
        self._seed = context.seed
        self._weights = context.cached(train_probed, law=law, probe_steps=self.probe_steps, **self.training())

    def decipher(self, tokens: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
        """Tokens (B, T) -> plain symbols (B, V) of the symbols shown."""
        from scipy.optimize import linear_sum_assignment

        from harness_plugins.in_context.lexinvariant._probe import opinions

        said = opinions(self.trained(tokens, vocabulary), self.architecture(), tokens, self._seed)
        half = tokens.shape[1] // 2
        shown = np.eye(vocabulary)[tokens[:, half:]]  # (B, T/2, V)
        evidence = np.einsum("btv,btp->bvp", shown, said[:, half:])
        return np.stack([linear_sum_assignment(each, maximize=True)[1] for each in evidence])
