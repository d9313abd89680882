"""A planted bigram: a Markov chain with few likely successors of each symbol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.planted import Bigram, PlantedLaw
from harness_plugins.in_context.arenas.prompts import FloatArray


@dataclass
class MarkovLaw(PlantedLaw):
    """A stationary Markov chain whose rows were drawn from a Dirichlet distribution; all sequences share it."""

    symbols: int = 6
    """Number of symbols V."""
    concentration: float = 0.3
    """Of the Dirichlet distribution; the smaller, the fewer likely successors a symbol has."""
    language: int = 0
    """Seed of the transitions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.symbols < 2:
            raise ValueError(f"symbols must be at least 2, not {self.symbols}")
        if not 0.1 <= self.concentration < np.inf:
            raise ValueError(f"concentration must be at least 0.1 and finite, not {self.concentration}")
        if self.language < 0:
            raise ValueError(f"language must not be negative, not {self.language}")

    @property
    def vocabulary(self) -> int:
        """Number of symbols V."""
        return self.symbols

    def bigram(self) -> Bigram:
        """The chain itself, with its stationary distribution as the initial one."""
        rng = np.random.default_rng(self.language)
        transitions = rng.dirichlet(np.full(self.symbols, self.concentration), size=self.symbols)
        return Bigram(stationary(transitions), transitions)

    def draw_plain(self, rng: np.random.Generator, batch: int, training: bool) -> tuple[NDArray[np.int64], FloatArray]:
        """Sequences (B, T+1) and the row of transitions that each token but the first was drawn from, (B, T, V)."""
        initial, transitions = self.bigram()
        uniform = rng.random((batch, self.length + 1, 1))
        steps = np.cumsum(transitions, axis=1)[:, :-1]  # the last sum, 1 but for rounding, would be in the way
        tokens = np.empty((batch, self.length + 1), dtype=np.int64)
        tokens[:, 0] = (np.cumsum(initial)[:-1] < uniform[:, 0]).sum(axis=1)
        for t in range(self.length):
            tokens[:, t + 1] = (steps[tokens[:, t]] < uniform[:, t + 1]).sum(axis=1)
        return tokens, transitions[tokens[:, :-1]]


def stationary(transitions: FloatArray) -> FloatArray:
    """The distribution (V,) that positive transitions (V, V) keep: mu P = mu, its sum 1."""
    V = len(transitions)
    equations = np.vstack([transitions.T - np.eye(V), np.ones(V)])
    solution: FloatArray = np.linalg.lstsq(equations, np.append(np.zeros(V), 1.0), rcond=None)[0].clip(min=0)
    solution /= solution.sum()
    return solution
