"""Policies for arms that tire and recover: greedy, cyclic, classical, interleaved, and the exact optimum."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness_plugins.decision._cycle_lp import cycle_columns, solve_cycle_lp
from harness_plugins.decision._joint_dp import solve_joint_dp
from harness_plugins.decision._last_switch import IDLE, Floats, Ints, LastSwitchArms, checked_means, slot
from harness_plugins.decision._rounding import draw_schedules


@dataclass
class Greedy:
    """Plays the arm that pays most in its present state."""

    tie: Literal["lowest", "random"] = "lowest"
    """Which of several best arms: the one of lowest index (it stays on one arm, so that the others recover), or any."""

    def plan(self, mu: Floats, draws: int, rng: np.random.Generator) -> None:
        """Keep the means (n, 2M)."""
        self._mu, self._rng = checked_means(mu), rng

    def act(self, tau: Ints) -> Ints:
        """Of the highest present means, the first or a random one."""
        means = self._mu[np.arange(len(self._mu)), slot(tau, self._mu.shape[1] // 2)]  # (draws, n)
        if self.tie == "lowest":
            return np.asarray(means.argmax(axis=1))
        best = means == means.max(axis=1, keepdims=True)
        return np.asarray(np.where(best, self._rng.random(best.shape), -1.0).argmax(axis=1))


@dataclass
class RoundRobin:
    """Plays the arms in turn, whatever they pay."""

    def plan(self, mu: Floats, draws: int, rng: np.random.Generator) -> None:
        """Begin with arm 0."""
        self.reset(len(mu), mu.shape[1] // 2, draws, rng)

    def reset(self, n_arms: int, memory: int, draws: int, rng: np.random.Generator) -> None:
        """Begin with arm 0."""
        self._turn = itertools.cycle([np.full(draws, arm) for arm in range(n_arms)])

    def act(self, tau: Ints) -> Ints:
        """The next arm, in all draws."""
        return next(self._turn)

    def update(self, tau: Ints, arms: Ints, rewards: Floats) -> None:
        """Learns nothing."""


@dataclass
class BestFixedCycle:
    """Repeats the best short sequence of arms and pauses, found by trying all of them."""

    length: int = 6
    """Longest sequence tried."""
    max_cycles: int = 200_000
    """Number of sequences of one length that may be tried: with many arms, only shorter ones are."""

    def plan(self, mu: Floats, draws: int, rng: np.random.Generator) -> None:
        """Play every sequence until its states repeat, and keep the one with the best reward per round after that."""
        mu = checked_means(mu)
        best, self._cycle, self._round = -1.0, [np.full(draws, IDLE)], 0
        for length in range(1, self.length + 1):
            if length > 1 and (len(mu) + 1) ** length > self.max_cycles:
                break
            cycles = np.indices((len(mu) + 1,) * length).reshape(length, -1) - 1  # (length, C), -1 for none
            rewards = _steady_reward(mu, cycles)
            if rewards.max() > best + 1e-12:  # a repetition of a shorter cycle is no better, whatever its rounding
                best = rewards.max()
                self._cycle = [np.full(draws, arm) for arm in cycles[:, rewards.argmax()]]

    def act(self, tau: Ints) -> Ints:
        """The next of the cycle, in all draws."""
        self._round += 1
        return self._cycle[(self._round - 1) % len(self._cycle)]


@dataclass
class RechargingInterleaved:
    """The rounded relaxation for recharging arms (Papadigenopoulos et al., NeurIPS 2022): no runs of plays.

    An arm is played once after each rest of a chosen length, or in every round (their delay of 1). Where the payoff
    is the same for every tau < 0 this is the relaxation over all cycles: (a, b) is (a, 1) and then b - 1 rounds of
    the latter.
    """

    def plan(self, mu: Floats, draws: int, rng: np.random.Generator) -> None:
        """Solve the relaxation over rests, and draw independent schedules."""
        solution = solve_cycle_lp(mu, cycle_columns(mu.shape[1] // 2, 1))
        self._schedules = draw_schedules(mu, solution.cycles, solution.shares, draws, rng)
        self._round = 0

    def act(self, tau: Ints) -> Ints:
        """The arm with the largest virtual payoff of those whose schedule plays."""
        self._round += 1
        return self._schedules.choose(self._round - 1)


@dataclass
class ExactDp:
    """The optimal policy, by dynamic programming on the joint state: for three arms or so."""

    tolerance: float = 1e-9
    """Distance between the bounds on the optimal reward per round at which the iteration stops."""

    def plan(self, mu: Floats, draws: int, rng: np.random.Generator) -> None:
        """Solve for the optimal policy; raises ValueError where there are too many joint states."""
        self._memory = mu.shape[1] // 2
        self._choice = solve_joint_dp(mu, self.tolerance).choice

    def act(self, tau: Ints) -> Ints:
        """The optimal arm in each joint state."""
        return np.asarray(self._choice[tuple(slot(tau, self._memory).T)])


@dataclass
class Ucb1:
    """UCB1 (Auer et al., 2002), which takes an arm to pay the same in all states."""

    width: float = 2.0
    """Factor of log t under the root of the confidence width."""

    def reset(self, n_arms: int, memory: int, draws: int, rng: np.random.Generator) -> None:
        """No plays yet."""
        self._plays, self._sum = np.zeros((2, draws, n_arms))
        self._round = 0

    def act(self, tau: Ints) -> Ints:
        """Each arm once, then the one with the highest upper confidence bound."""
        self._round += 1
        if self._round <= tau.shape[1]:
            return np.full(len(tau), self._round - 1)
        bound = self._sum / self._plays + np.sqrt(self.width * np.log(self._round) / self._plays)  # (draws, n)
        return np.asarray(bound.argmax(axis=1))

    def update(self, tau: Ints, arms: Ints, rewards: Floats) -> None:
        """Count the play and add its reward."""
        draws = np.arange(len(arms))
        self._plays[draws, arms] += 1
        self._sum[draws, arms] += rewards


def _steady_reward(mu: Floats, cycles: Ints) -> Floats:
    """Reward per round (C,) of repeating each cycle (length, C) for ever.

    An arm that is both played and rested in a cycle is in the same states from the second repetition on; one that is
    only played, after M rounds.
    """
    length, memory = len(cycles), mu.shape[1] // 2
    arms = LastSwitchArms(mu, cycles.shape[1])
    for t in range(max(2, -(-memory // length)) * length):
        arms.step(cycles[t % length])
    return np.asarray(np.mean([arms.step(choice) for choice in cycles], axis=0))
