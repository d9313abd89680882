"""Last-switch-dependent arms: what an arm pays depends on how long ago it last switched between played and idle.

The state of an arm is tau in {-M..-1, 1..M}: idle for tau rounds if tau > 0, played |tau| times in a row if tau < 0;
beyond the memory M nothing changes any more (Laforgue et al., "A last switch dependent analysis of satiation and
seasonality in bandits", AISTATS 2022; Foussoul et al., arXiv:2306.00338). A table `mu` of shape (n, 2M)
holds the mean payoffs; its columns are the states in increasing order, -M first and +M last, so that "monotone" means
sorted rows.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Kind: TypeAlias = Literal["monotone", "recharging", "satiation", "greedy-trap"]

IDLE = -1
"""The choice of playing no arm."""


def slot(tau: Ints, memory: int) -> Ints:
    """Where the state tau stands in a row of the table: -M..-1 at 0..M-1, 1..M at M..2M-1."""
    return tau + memory - (tau > 0)


def states(memory: int) -> Ints:
    """The states in the order of the table: (-M, ..., -1, 1, ..., M), the inverse of `slot`."""
    return np.concatenate([np.arange(-memory, 0), np.arange(1, memory + 1)])


def after_play(tau: Ints, memory: int) -> Ints:
    """The state after a play: the first play of a rested arm leads to -1, each further one a step down."""
    return np.where(tau > 0, -1, np.maximum(tau - 1, -memory))


def after_idle(tau: Ints, memory: int) -> Ints:
    """The state after a round without play: the first one leads to +1, each further one a step up."""
    return np.where(tau > 0, np.minimum(tau + 1, memory), 1)


def checked_means(mu: Floats) -> Floats:
    """`mu` as float64 (n, 2M).

    Raises:
        ValueError: it is not a table of n >= 1 rows and an even number >= 2 of columns, or a mean lies outside [0, 1].
    """
    table = np.asarray(mu, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2 or table.shape[1] % 2:
        raise ValueError(f"the means must have shape (n, 2M) with n, M >= 1, got {table.shape}")
    if not (np.isfinite(table).all() and table.min() >= 0 and table.max() <= 1):
        raise ValueError("the means must be finite and lie in [0, 1]")
    return table


def checked_monotone(mu: Floats) -> Floats:
    """As `checked_means`; moreover no row may decrease.

    Raises:
        ValueError: the table is not a legal one, or a row decreases.
    """
    table = checked_means(mu)
    if (np.diff(table, axis=1) < 0).any():
        raise ValueError("the means must not decrease in tau: -M first, -1, 1, and +M last")
    return table


def draw_means(kind: Kind, n_arms: int, memory: int, rng: np.random.Generator) -> Floats:
    """A table (n, 2M) of non-decreasing mean payoffs.

    - `monotone`: 2M sorted uniforms, raised to a power drawn from U[0.5, 4] for each arm.
    - `recharging`: the same M + 1 sorted values, the lowest for every tau < 0: only the time of rest counts.
    - `satiation`: the same M + 1 sorted values, the highest for every tau > 0: one round of rest restores an arm.
    - `greedy-trap`: equal arms that pay 1 after M rounds of rest and 0.02 before: patience pays, greed does not.

    Raises:
        ValueError: there is no such kind, or fewer than one arm, or no memory.
    """
    if n_arms < 1 or memory < 1:
        raise ValueError(f"n_arms and memory must be at least 1, got {n_arms} and {memory}")
    if kind == "greedy-trap":
        return np.where(states(memory) < memory, 0.02, np.ones((n_arms, 1)))
    levels = {"monotone": 2 * memory, "recharging": memory + 1, "satiation": memory + 1}
    if kind not in levels:
        raise ValueError(f"no kind of arms is called {kind!r}; there are {', '.join([*levels, 'greedy-trap'])}")
    power = rng.uniform(0.5, 4.0, (n_arms, 1))
    values = np.sort(rng.random((n_arms, levels[kind])), axis=1) ** power
    pad = {"monotone": (0, 0), "recharging": (memory - 1, 0), "satiation": (0, memory - 1)}[kind]
    return np.pad(values, ((0, 0), pad), mode="edge")


class LastSwitchArms:
    """The arms of one table, in `draws` independent copies played side by side. All start fully rested, at +M."""

    def __init__(self, mu: Floats, draws: int) -> None:
        """Args: mu: means (n, 2M). draws: number of copies. Raises ValueError if either is not a legal one."""
        self.mu = checked_means(mu)
        if draws < 1:
            raise ValueError(f"at least one draw is needed, got {draws}")
        n_arms, width = self.mu.shape
        self._states = states(width // 2)
        self._arms = np.arange(n_arms)
        self._played = slot(after_play(self._states, width // 2), width // 2)  # (2M,): next slot if played
        self._idled = slot(after_idle(self._states, width // 2), width // 2)  # (2M,): next slot if not
        self._slot = np.full((draws, n_arms), width - 1)

    @property
    def tau(self) -> Ints:
        """The states (draws, n), in a fresh array."""
        tau: Ints = self._states[self._slot]
        return tau

    def step(self, choice: Ints) -> Floats:
        """Play arm `choice[d]` (or none, `IDLE`) in copy d; returns the mean payoff (draws,) it had, 0 for idling."""
        played = self._arms == choice[:, None]  # (draws, n)
        payoff: Floats = np.where(played, self.mu[self._arms, self._slot], 0.0).sum(axis=1)
        self._slot = np.where(played, self._played[self._slot], self._idled[self._slot])
        return payoff
