"""The exact optimum of planning with few last-switch-dependent arms, by dynamic programming on their joint state.

The joint state of n arms with memory M takes (2M)^n values, so this is for n <= 3 or so (planning is NP-hard in
general). Moves are deterministic and optimal ones are often periodic, on which plain relative value iteration goes
round for ever; the damped iteration V <- V/2 + TV/2 (the chain made lazy: Puterman, Markov Decision Processes,
section 8.5.4) converges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness_plugins.decision._last_switch import (
    IDLE,
    Floats,
    Ints,
    after_idle,
    after_play,
    checked_means,
    slot,
    states,
)

MAX_STATES = 20_000
"""Joint states up to which the optimum is thought affordable (seconds)."""


@dataclass(frozen=True)
class OptimalPlan:
    """The best reward per round in the long run, and a policy that earns it."""

    gain: float
    """Optimal average reward per round."""
    choice: Ints
    """(2M, ..., 2M), one axis for each arm: the arm to play (or `IDLE`) in the joint state of these slots."""


def affordable(n_arms: int, memory: int) -> bool:
    """Whether the joint state space is small enough."""
    return bool((2 * memory) ** n_arms <= MAX_STATES)


def solve_joint_dp(mu: Floats, tolerance: float = 1e-9, max_sweeps: int = 100_000) -> OptimalPlan:
    """Relative value iteration for the means `mu` (n, 2M), until the bounds on the gain are `tolerance` apart.

    Raises:
        ValueError: `mu` is not a legal table, or it has too many joint states.
        RuntimeError: the bounds did not meet within `max_sweeps`.
    """
    mu = checked_means(mu)
    n_arms, memory = len(mu), mu.shape[1] // 2
    if not affordable(n_arms, memory):
        raise ValueError(
            f"{n_arms} arms with memory {memory} have {(2 * memory) ** n_arms} joint states, over {MAX_STATES}"
        )
    shape = (2 * memory,) * n_arms
    slots = np.indices(shape).reshape(n_arms, -1)  # (n, S)
    played = slot(after_play(states(memory), memory), memory)[slots]  # (n, S): next slot of each arm, if played
    idled = slot(after_idle(states(memory), memory), memory)[slots]  # (n, S)
    successor = np.empty((n_arms + 1, slots.shape[1]), dtype=np.int64)  # (n + 1, S), the last row for idling
    for arm in range(n_arms + 1):
        after = [played[i] if i == arm else idled[i] for i in range(n_arms)]
        successor[arm] = np.ravel_multi_index(after, shape)
    payoff = np.append(np.take_along_axis(mu, slots, axis=1), np.zeros((1, slots.shape[1])), axis=0)  # (n + 1, S)

    value = np.zeros(slots.shape[1])  # (S,)
    for _ in range(max_sweeps):
        action_value = payoff + value[successor]  # (n + 1, S)
        step = action_value.max(axis=0) - value
        low, high = step.min(), step.max()  # the gain lies between (Odoni's bounds)
        if high - low <= tolerance:
            best = action_value.argmax(axis=0)
            return OptimalPlan(float(low + high) / 2, np.where(best == n_arms, IDLE, best).reshape(shape))
        value += 0.5 * (step - low)  # subtracting a constant keeps the values bounded and changes no comparison
    raise RuntimeError(f"the bounds on the gain are still {high - low:.1e} apart after {max_sweeps} sweeps")
