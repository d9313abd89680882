"""From rates of cycles to a policy: independent periodic schedules of random phase; the best-paid that plays, wins.

Each arm is given, independently, one of its cycles (with the probability that the relaxation spends in it) and a
uniform phase, and follows it for ever in a *virtual* world of its own. In a round, of all arms whose virtual schedule
plays, the one with the largest virtual payoff is really played; the virtual states of all move on as if each had been
(mirroring). Real plays are a subset of virtual ones, so an arm that starts fully rested is never less rested than its
virtual self, real tau >= virtual tau, and where payoffs do not decrease in tau the real reward is at least the virtual
one (after Foussoul et al., arXiv:2306.00338; Papadigenopoulos et al., NeurIPS 2022, for cycles of a single play).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness_plugins.decision._last_switch import IDLE, Floats, Ints, slot


@dataclass(frozen=True)
class Schedules:
    """The virtual schedules of n arms, in `draws` independent copies; what they do is a function of the round alone."""

    period: Ints
    """(draws, n): rounds in a cycle, a + b."""
    phase: Ints
    """(draws, n): where in its cycle an arm stands in round 0."""
    states: Ints
    """(draws, n, P): the virtual tau at each place of the cycle."""
    payoffs: Floats
    """(draws, n, P): the virtual payoff at each place of the cycle, -inf where the arm rests."""

    def virtual_tau(self, t: int) -> Ints:
        """The virtual states (draws, n) at the beginning of round t."""
        return self.states[self._places(t)]

    def choose(self, t: int | Ints) -> Ints:
        """The arms to play in round t, (draws,), or in rounds t (R,), (R, draws); `IDLE` where every schedule rests."""
        payoff = self.payoffs[self._places(t)]  # (..., draws, n)
        return np.where(payoff.max(axis=-1) >= 0, payoff.argmax(axis=-1), IDLE)

    def _places(self, t: int | Ints) -> tuple[Ints, Ints, Ints]:
        """Indices of draw, arm and place in the cycle in round t, which broadcast to (..., draws, n)."""
        draws, n_arms = self.period.shape
        place = (self.phase + np.asarray(t)[..., None, None]) % self.period
        return np.arange(draws)[:, None], np.arange(n_arms), place


def draw_schedules(mu: Floats, cycles: Ints, shares: Floats, draws: int, rng: np.random.Generator) -> Schedules:
    """Draw a cycle and a phase for each arm, independently over arms and draws.

    Args:
        mu: mean payoffs, believed or true, (n, 2M) for all draws or (draws, n, 2M).
        cycles: (K, 2), rest and plays of each cycle; (0, 1) is play for ever.
        shares: (n, K) or (draws, n, K), the probability of each cycle for each arm; what misses to 1 is never played.
        draws: number of independent draws.
        rng: source of the cycles and phases.
    """
    n_arms, memory = mu.shape[-2], mu.shape[-1] // 2
    tau, plays = _cycle_table(cycles, memory)  # (K + 1, P) each
    upper = np.cumsum(shares, axis=-1)  # (..., n, K)
    upper /= np.maximum(upper[..., -1:], 1.0)  # the solver keeps sum <= 1 up to 1e-9 only
    drawn = (rng.random((draws, n_arms, 1)) >= upper).sum(axis=-1)  # (draws, n): a cycle, or K for never
    period = np.append(cycles.sum(axis=1), 1)[drawn]  # (draws, n)
    phase = rng.integers(period)
    states = tau[drawn]  # (draws, n, P)
    means = np.take_along_axis(np.broadcast_to(mu, (draws, n_arms, 2 * memory)), slot(states, memory), axis=-1)
    return Schedules(period, phase, states, np.where(plays[drawn], means, -np.inf))


def _cycle_table(cycles: Ints, memory: int) -> tuple[Ints, NDArray[np.bool_]]:
    """For each cycle, and last for an arm never played: tau at each place c of the cycle, and whether it plays there.

    A cycle (a, b) begins with its first round of rest, just after its b plays: tau = -b at c = 0, c while it rests, a
    at the first play, and a - c at the later ones. All beyond the memory counts as M.
    """
    rest, plays = (column[:, None] for column in cycles.T)  # (K, 1) each
    place = np.arange(cycles.sum(axis=1).max())  # (P,)
    tau = np.where(place == 0, -plays, np.where(place <= rest, place, rest - place))
    tau = np.where(rest == 0, -memory, np.clip(tau, -memory, memory))
    never = np.full((1, len(place)), memory)
    return np.concatenate([tau, never]), np.concatenate([place >= rest, never < 0])
