"""Bandits whose payoffs remember: last-switch-dependent arms, with known means (planning) and unknown ones (learning).

Playing an arm tires it and resting restores it (`_last_switch`). One arm or none is played in a round. The task owns
the arms, in many independent copies ("draws") that are played side by side: policies answer for all of them at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from harness import Along, Context, InvalidOutcomeError, Task, metric
from harness.operations import Operation
from harness_plugins.decision._cycle_lp import solve_cycle_lp
from harness_plugins.decision._joint_dp import affordable, solve_joint_dp
from harness_plugins.decision._last_switch import IDLE, Floats, Ints, Kind, LastSwitchArms, draw_means
from harness_plugins.decision._rounding import draw_schedules


class Planner(Protocol):
    """A policy for arms whose means are known."""

    def plan(self, mu: Floats, draws: int, rng: np.random.Generator) -> None:
        """Prepare to play `draws` copies of the arms with means `mu` (n, 2M), states -M..-1, 1..M; all start at +M."""

    def act(self, tau: Ints) -> Ints:
        """The arm (draws,) to play in each copy, -1 for none, in states `tau` (draws, n). Called once a round."""


class Learner(Protocol):
    """A policy for arms whose means are not known; rewards are 0 or 1."""

    def reset(self, n_arms: int, memory: int, draws: int, rng: np.random.Generator) -> None:
        """Forget everything; prepare to play `draws` copies, independent of each other, of n arms with memory M."""

    def act(self, tau: Ints) -> Ints:
        """The arm (draws,) to play in each copy, -1 for none, in states `tau` (draws, n). Called once a round."""

    def update(self, tau: Ints, arms: Ints, rewards: Floats) -> None:
        """Learn: in states `tau` (draws, n), playing `arms` (draws,) gave `rewards` (draws,), 0 for playing none."""


@dataclass(frozen=True)
class PlanningInstance:
    """Arms, and what can be earned with them."""

    mu: Floats
    """(n, 2M): mean payoffs, states -M..-1, 1..M."""
    lp_value: float
    """Reward per round of the linear relaxation: no policy earns more in the long run."""
    optimum: float | None
    """Best reward per round in the long run; None where the joint state space is too large."""


@dataclass(frozen=True)
class LearningInstance(PlanningInstance):
    """Arms, what can be earned with them, and the luck of the draw."""

    plan_value: float
    """Expected reward per round of the rounded relaxation, with the true means."""
    noise_seed: int
    """Seeds the rewards: the same for every learner."""


@dataclass(frozen=True)
class Play:
    """What was earned, counting the mean payoff of each state in which an arm was played: luck is left out."""

    by_round: Floats
    """(rounds,): mean reward over the draws."""
    by_draw: Floats
    """(draws,): mean reward over the rounds."""


def checkpoints(rounds: int) -> Ints:
    """1, 2, 5, 10, 20, 50 ... up to `rounds`, and `rounds` itself: evenly spaced for the eye on a logarithmic axis."""
    decades = 10 ** np.arange(len(str(rounds)))
    ticks = np.unique(np.append(np.outer(decades, (1, 2, 5)), rounds))
    return ticks[ticks <= rounds]


@metric(unit="1", direction="higher")
def approx_ratio_lp(instance: PlanningInstance, play: Play) -> float:
    """Reward per round over the value of the relaxation; in few rounds the rested start can lift it above 1."""
    return float(play.by_round.mean()) / instance.lp_value


@metric(unit="1", direction="lower")
def approx_ratio_lp_stderr(instance: PlanningInstance, play: Play) -> float:
    """Standard error, over the draws, of approx-ratio-lp."""
    return float(play.by_draw.std(ddof=1)) / math.sqrt(len(play.by_draw)) / instance.lp_value


@metric(unit="1", direction="higher")
def approx_ratio_opt(instance: PlanningInstance, play: Play) -> float | None:
    """Reward per round over the optimum by dynamic programming; no value where that is not affordable."""
    return None if instance.optimum is None else float(play.by_round.mean()) / instance.optimum


@metric(unit="1", direction="lower")
def lp_over_opt(instance: PlanningInstance, play: Play) -> float | None:
    """Value of the relaxation over the optimum: a property of the instance; no value where the optimum is not known."""
    return None if instance.optimum is None else instance.lp_value / instance.optimum


@metric(unit="reward/round", direction="higher")
def average_reward(instance: PlanningInstance, play: Play) -> float:
    """Mean reward per round."""
    return float(play.by_round.mean())


@metric(unit="reward/round", direction="higher")
def reward_curve(instance: PlanningInstance, play: Play) -> Along:
    """Mean reward per round, up to each checkpoint."""
    ticks = checkpoints(len(play.by_round))
    return Along(play.by_round.cumsum()[ticks - 1] / ticks, round=ticks)


@metric(unit="1", direction="higher")
def approx_ratio_plan(instance: LearningInstance, play: Play) -> float:
    """Reward per round over the expected reward per round of the rounded relaxation with the true means."""
    return float(play.by_round.mean()) / instance.plan_value


@metric(unit="reward", direction="lower")
def lp_regret(instance: LearningInstance, play: Play) -> float:
    """(1 - 1/e) times the value of the relaxation, less the reward, over all rounds: negative for a good learner."""
    return float(((1 - 1 / math.e) * instance.lp_value - play.by_round).sum())


@metric(unit="reward", direction="lower")
def plan_regret(instance: LearningInstance, play: Play) -> float:
    """Expected reward of the rounded relaxation with the true means, less the reward, over all rounds."""
    return float((instance.plan_value - play.by_round).sum())


@metric(unit="reward", direction="lower")
def plan_regret_curve(instance: LearningInstance, play: Play) -> Along:
    """plan-regret up to each checkpoint."""
    ticks = checkpoints(len(play.by_round))
    return Along((instance.plan_value - play.by_round).cumsum()[ticks - 1], round=ticks)


@dataclass
class LastSwitchPlanning(Task[PlanningInstance, Planner, Play]):
    """Earn as much as possible from arms with known means that tire and recover."""

    kind: Kind = "monotone"
    """How the means are drawn."""
    n_arms: int = 3
    """Number of arms, n."""
    memory: int = 5
    """Rounds of play or rest after which nothing changes any more, M."""
    rounds: int = 300
    """Rounds played."""
    draws: int = 300
    """Independent repetitions with the same arms, over the randomness of the policy."""

    protocol = Planner
    metrics = (
        approx_ratio_lp,
        approx_ratio_opt,
        average_reward,
        approx_ratio_lp_stderr,
        lp_over_opt,
        reward_curve,
    )
    operations: ClassVar[tuple[str, ...]] = ("plan", "episode")
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"memory": 4, "draws": 20},
        "paper": {"n_arms": 50, "memory": 20, "rounds": 10_000, "draws": 100},
    }

    def __post_init__(self) -> None:
        """Raise ValueError where a parameter is out of range."""
        _check_sizes(self.n_arms, self.memory, self.rounds, self.draws)

    def instance(self, context: Context) -> PlanningInstance:
        """Arms of the given kind."""
        mu = draw_means(self.kind, self.n_arms, self.memory, context.rng)
        return PlanningInstance(mu, solve_cycle_lp(mu).value, _optimum(mu))

    def run(self, model: Planner, instance: PlanningInstance, context: Context) -> Play:
        """Plan, then play all draws round by round."""
        with context.phase("plan"):
            model.plan(instance.mu.copy(), self.draws, context.rng)
        arms = LastSwitchArms(instance.mu, self.draws)
        rewards = np.empty((self.rounds, self.draws))
        with context.phase("play"):
            for t in range(self.rounds):
                rewards[t] = arms.step(_legal(model.act(arms.tau), self.draws, self.n_arms))
        return Play(rewards.mean(axis=1), rewards.mean(axis=0))

    def operation(self, name: str, model: Planner, instance: PlanningInstance, context: Context) -> Operation:
        """`plan`, and `episode`: plan and play all rounds, from the same random numbers each time."""

        def plan() -> None:
            model.plan(instance.mu.copy(), self.draws, context.anew().rng)

        def episode() -> Play:
            return self.run(model, instance, context.anew())

        if name == "plan":  # what a plan is worth is seen when it is played
            return Operation(plan, check=lambda _: episode())
        return Operation(episode, items=self.rounds * self.draws, item="play")


@dataclass
class LastSwitchLearning(Task[LearningInstance, Learner, Play]):
    """Earn as much as possible from arms that tire and recover, learning their means from rewards of 0 and 1."""

    kind: Kind = "monotone"
    """How the means are drawn."""
    n_arms: int = 3
    """Number of arms, n."""
    memory: int = 5
    """Rounds of play or rest after which nothing changes any more, M."""
    rounds: int = 20_000
    """Rounds played."""
    draws: int = 20
    """Independent repetitions with the same arms, each learning from its own rewards."""

    protocol = Learner
    metrics = (average_reward, approx_ratio_plan, approx_ratio_lp, lp_regret, plan_regret, plan_regret_curve)
    operations: ClassVar[tuple[str, ...]] = ("episode",)
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"memory": 4, "rounds": 300, "draws": 4},
        "paper": {"n_arms": 50, "memory": 20, "rounds": 1_000_000, "draws": 4},
    }

    def __post_init__(self) -> None:
        """Raise ValueError where a parameter is out of range."""
        _check_sizes(self.n_arms, self.memory, self.rounds, self.draws)

    def instance(self, context: Context) -> LearningInstance:
        """Arms of the given kind, and the seed of their rewards."""
        mu = draw_means(self.kind, self.n_arms, self.memory, context.rng)
        plan_value = expected_plan_value(mu, context.rng)
        return LearningInstance(
            mu, solve_cycle_lp(mu).value, _optimum(mu), plan_value, noise_seed=int(context.rng.integers(2**63))
        )

    def run(self, model: Learner, instance: LearningInstance, context: Context) -> Play:
        """Play all draws round by round; rewards are Bernoulli, with the same uniforms for every learner."""
        model.reset(self.n_arms, self.memory, self.draws, context.rng)
        arms = LastSwitchArms(instance.mu, self.draws)
        noise = np.random.default_rng(instance.noise_seed)
        rewards = np.empty((self.rounds, self.draws))
        with context.phase("play"):
            for t in range(self.rounds):
                tau = arms.tau
                choice = _legal(model.act(tau), self.draws, self.n_arms)
                rewards[t] = arms.step(choice)
                model.update(tau, choice, (noise.random(self.draws) < rewards[t]).astype(np.float64))
        return Play(rewards.mean(axis=1), rewards.mean(axis=0))

    def operation(self, name: str, model: Learner, instance: LearningInstance, context: Context) -> Operation:
        """`episode`: forget everything and play all rounds, from the same random numbers each time."""

        def episode() -> Play:
            return self.run(model, instance, context.anew())

        return Operation(episode, items=self.rounds * self.draws, item="play")


def expected_plan_value(mu: Floats, rng: np.random.Generator, rounds: int = 300, draws: int = 600) -> float:
    """Mean reward per round of the rounded relaxation of the arms `mu` (n, 2M), over independent draws of schedules.

    Simulated: schedules that lose a conflict leave their arm better rested than they think, which `rounded_value`
    leaves out.
    """
    solution = solve_cycle_lp(mu)
    schedules = draw_schedules(mu, solution.cycles, solution.shares, draws, rng)
    arms = LastSwitchArms(mu, draws)
    return float(np.mean([arms.step(schedules.choose(t)).mean() for t in range(rounds)]))


def _optimum(mu: Floats) -> float | None:
    """The best reward per round, where dynamic programming can say it."""
    return solve_joint_dp(mu).gain if affordable(len(mu), mu.shape[1] // 2) else None


def _legal(choice: Ints, draws: int, n_arms: int) -> Ints:
    """The choice, if it names an arm or none for each draw."""
    if not isinstance(choice, np.ndarray) or choice.shape != (draws,) or choice.dtype.kind != "i":
        got = f"{choice.dtype} {choice.shape}" if isinstance(choice, np.ndarray) else type(choice).__name__
        raise InvalidOutcomeError(f"act must return an integer array of shape ({draws},), got {got}")
    if choice.min() < IDLE or choice.max() >= n_arms:
        raise InvalidOutcomeError(f"arms are 0..{n_arms - 1}, or -1 for none; got {choice.min()}..{choice.max()}")
    return choice


def _check_sizes(n_arms: int, memory: int, rounds: int, draws: int) -> None:
    sizes = {"n_arms": (n_arms, 1), "memory": (memory, 1), "rounds": (rounds, 1), "draws": (draws, 2)}
    for name, (size, least) in sizes.items():
        if size < least:
            raise ValueError(f"{name} must be at least {least}, got {size}")
