"""The linear relaxation of planning with last-switch-dependent arms, over cycles of rest and play.

The life of a single arm splits into cycles (a, b): a rounds of rest, then b plays in a row, which earn

    R_i(a, b) = mu_i(a) + sum_{j=1}^{b-1} mu_i(-j).

With y_iab the rate at which arm i begins cycles (a, b), and a last column (a, b) = (0, 1) for an arm that is played in
every round and earns mu_i(-M), the relaxation is

    max sum_iab y_iab R_i(a, b)   s.t.   sum_ab (a + b) y_iab <= 1  for every arm i   (an arm has one unit of time),
                                         sum_iab b y_iab <= 1                          (one play in a round), y >= 0.

Cycles with a <= M and b <= M + 1 are enough: beyond the memory the payoff is constant, so that a longer run is M + 1
plays and then time in the column "for ever", and a longer rest earns no more. The rates of any policy satisfy the
constraints, so the value is an upper bound of what any policy earns in a round, in the long run (after Foussoul et
al., arXiv:2306.00338).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness_plugins.decision._last_switch import Floats, Ints, checked_means, slot


@dataclass(frozen=True)
class CycleSolution:
    """An optimal solution of the relaxation."""

    value: float
    """The optimum: an upper bound of the reward per round."""
    cycles: Ints
    """(K, 2): rest a and plays b of each column; (0, 1) is play for ever."""
    rates: Floats
    """(n, K): how often per round arm i begins cycle k."""

    @property
    def shares(self) -> Floats:
        """(n, K): the fraction of its time that arm i spends in cycle k; what a row misses to 1 it is never played."""
        shares: Floats = self.rates * self.cycles.sum(axis=1)
        return shares


def cycle_columns(max_rest: int, max_plays: int, forever: bool = True) -> Ints:
    """(K, 2): all cycles (a, b) with 1 <= a <= max_rest and 1 <= b <= max_plays, and last (0, 1), play for ever."""
    rests, plays = np.meshgrid(np.arange(1, max_rest + 1), np.arange(1, max_plays + 1), indexing="ij")
    cycles = np.stack([rests.ravel(), plays.ravel()], axis=1)
    return np.concatenate([cycles, [[0, 1]]]) if forever else cycles


def cycle_visits(cycles: Ints, memory: int) -> Floats:
    """(K, 2M): how many plays of cycle k find the arm in each state of the table."""
    rest, plays = cycles.T
    first = np.where(rest == 0, -memory, np.minimum(rest, memory))
    visits = np.zeros((len(cycles), 2 * memory))
    visits[np.arange(len(cycles)), slot(first, memory)] = 1.0
    for repeat in range(1, int(plays.max())):
        visits[plays > repeat, memory - min(repeat, memory)] += (
            1.0  # the repeat-th repetition is played at tau = -repeat
        )
    return visits


def solve_cycle_lp(mu: Floats, cycles: Ints | None = None) -> CycleSolution:
    """Solve the relaxation for the means `mu` (n, 2M) by HiGHS.

    Args:
        mu: mean payoffs in [0, 1].
        cycles: the columns (K, 2) to choose from; by default a <= M, b <= M + 1 and play for ever, which lose nothing.

    Raises:
        ValueError: `mu` is not a legal table.
        RuntimeError: the solver did not reach the optimum.
    """
    from scipy.optimize import linprog

    mu = checked_means(mu)
    n_arms, memory = len(mu), mu.shape[1] // 2
    if cycles is None:
        cycles = cycle_columns(memory, memory + 1)
    rewards = mu @ cycle_visits(cycles, memory).T  # (n, K): R_i(a, b)
    time_of_arm = np.kron(np.eye(n_arms), cycles.sum(axis=1))  # (n, n K)
    one_play = np.tile(cycles[:, 1], (1, n_arms))  # (1, n K)
    constraints = np.concatenate([time_of_arm, one_play])
    result = linprog(-rewards.ravel(), A_ub=constraints, b_ub=np.ones(n_arms + 1), method="highs")
    if result.status != 0:
        raise RuntimeError(f"HiGHS gave up on the relaxation of {n_arms} arms with memory {memory}: {result.message}")
    return CycleSolution(float(-result.fun), cycles, np.maximum(result.x, 0.0).reshape(n_arms, -1))


def rounded_value(mu: Floats, solution: CycleSolution) -> float:
    """The exact expectation, per round, of the largest payoff among independent schedules with the solution's rates.

    In a round, an arm's own schedule plays it in state s with probability q_is = sum_k y_ik visits_ks and lets it rest
    else. With independent arms and F_i the distribution of arm i's payoff (0 when it rests),
    E max_i V_i = int_0^1 1 - prod_i F_i(v) dv. It lies between (1 - (1 - 1/n)^n) and 1 times the value of the
    relaxation (correlation gap), and is what the rounded plan is guaranteed to earn where the means are monotone.
    """
    memory = mu.shape[1] // 2
    plays = solution.rates @ cycle_visits(solution.cycles, memory)  # (n, 2M): q_is
    levels = np.unique(np.append(mu, 0.0))  # (L,)
    above = (plays[:, None, :] * (mu[:, None, :] > levels[:, None])).sum(axis=2)  # (n, L): P(V_i > v)
    none_above = np.prod(1.0 - above, axis=0)  # (L,)
    return float(np.sum((1.0 - none_above[:-1]) * np.diff(levels)))
