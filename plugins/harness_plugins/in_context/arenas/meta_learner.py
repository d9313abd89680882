"""What all models have in common that are trained on draws from a law before they meet what counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness import Context


@dataclass
class MetaLearner:
    """A network of some architecture, trained on fresh draws; equal training is done once and kept."""

    layers: int = 2
    """Layers."""
    width: int = 64
    """Units of the residual stream, or of a recurrent layer."""
    steps: int = 1000
    """Gradient steps, each on fresh sequences."""
    batch: int = 32
    """Sequences of a step."""
    learning_rate: float = 3e-3
    """Adam's step size at its height, after a fifth of the steps."""
    _weights: dict[str, Any] | None = field(default=None, init=False, repr=False)

    def architecture(self) -> dict[str, Any]:
        """What builds the network, beside the size of the sequences."""
        return {"layers": self.layers, "width": self.width}

    def trainer(self) -> Callable[..., dict[str, Any]]:
        """The function that trains: law, seed and what `training` says -> weights by name."""
        raise NotImplementedError

    def training(self) -> dict[str, Any]:
        """What training depends on, beside the law and the seed."""
        return {
            "architecture": self.architecture(),
            "steps": self.steps,
            "batch": self.batch,
            "learning_rate": self.learning_rate,
        }

    def meta_train(self, law: Any, context: Context) -> None:
        """Train on draws from the law, or take what was trained with the same parameters and seed."""
        self._weights = context.cached(self.trainer(), law=law, seed=context.seed, **self.training())

    def weights(self) -> dict[str, Any]:
        """What was learnt, by name.

        Raises:
            ValueError: nothing was.
        """
        if self._weights is None:
            raise ValueError(f"{type(self).__name__} needs meta_train first; real data has no law to train on")
        return self._weights
