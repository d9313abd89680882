"""Sequence models that are trained on many prompts of a law: what is learnt where nothing is constructed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from harness_plugins.in_context.arenas.meta_learner import MetaLearner
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts

AttentionKind: TypeAlias = Literal["softmax", "relu", "linear"]


@dataclass
class _MetaTrained(MetaLearner):
    """Training on prompts, and predicting with what was learnt."""

    layers: int = 3
    """Layers."""
    steps: int = 2000
    """Gradient steps, each on fresh prompts."""
    batch: int = 64
    """Prompts of a step."""
    learning_rate: float = 2e-3
    """Adam's step size at its height, after a fifth of the steps."""

    def trainer(self) -> Callable[..., dict[str, Any]]:
        """On prompts of regression."""
        from harness_plugins.in_context.arenas._prompted import meta_train

        return meta_train

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), causal.

        Raises:
            ValueError: it is not trained, or on prompts of another size.
        """
        from harness_plugins.in_context.arenas._prompted import predict

        _, n, d = check_prompts(X, Y)
        weights = self.weights()
        most, trained_d = weights["size"]
        if n > most or d != trained_d:
            raise ValueError(f"trained on n <= {most}, d = {trained_d}; these prompts have {n} and {d}")
        return predict(weights, self.architecture(), X, Y)


@dataclass
class Transformer(_MetaTrained):
    """A GPT-2-like decoder, meta-trained (Garg et al., arXiv:2208.01066): tokens are x_1, y_1, x_2, y_2, ..."""

    heads: int = 4
    """Attention heads; they divide the width."""
    attention: AttentionKind = "softmax"
    """How scores become weights."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 1, "width": 8, "heads": 2, "steps": 5, "batch": 8},
        "paper": {"layers": 12, "width": 256, "heads": 8, "steps": 500_000, "learning_rate": 1e-4},
    }

    def architecture(self) -> dict[str, Any]:
        """Layers, width, heads, attention."""
        return {**super().architecture(), "heads": self.heads, "attention": self.attention}


@dataclass
class Lstm(_MetaTrained):
    """A recurrent network, meta-trained in the same way: what attention is compared with."""

    layers: int = 2
    """Recurrent layers."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 1, "width": 8, "steps": 5, "batch": 8},
        "paper": {"layers": 3, "width": 256, "steps": 500_000, "learning_rate": 1e-4},
    }
