"""The last-switch arms, their relaxation and their dynamic programme, against each other and against closed forms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import Context, InvalidOutcomeError
from harness_plugins.decision._cycle_lp import cycle_columns, cycle_visits, rounded_value, solve_cycle_lp
from harness_plugins.decision._joint_dp import solve_joint_dp
from harness_plugins.decision._last_switch import (
    LastSwitchArms,
    after_idle,
    after_play,
    checked_monotone,
    draw_means,
    slot,
    states,
)
from harness_plugins.decision._rounding import draw_schedules
from harness_plugins.decision.arenas import family
from harness_plugins.decision.arenas.bandit_history import (
    LastSwitchLearning,
    LastSwitchPlanning,
    PlanningInstance,
    Play,
    approx_ratio_opt,
    checkpoints,
    expected_plan_value,
    lp_over_opt,
)
from harness_plugins.decision.arenas.history_policies import (
    BestFixedCycle,
    ExactDp,
    Greedy,
    RechargingInterleaved,
    RoundRobin,
    Ucb1,
)
from harness_plugins.decision.last_switch_bandit import LpRounding

KINDS = ("monotone", "recharging", "satiation", "greedy-trap")
kinds, seeds = st.sampled_from(KINDS), st.integers(0, 2**32 - 1)


def means(kind: str, n_arms: int, memory: int, seed: int):
    return draw_means(kind, n_arms, memory, np.random.default_rng(seed))


def gain(mu, model, rounds=600, skip=300, seed=0):
    """Average reward of a planner once its first `skip` rounds are over."""
    arms = LastSwitchArms(mu, 2)
    model.plan(mu, 2, np.random.default_rng(seed))
    rewards = [arms.step(model.act(arms.tau)).mean() for _ in range(rounds)]
    return np.mean(rewards[skip:])


def test_states_move_as_written():
    memory = 3
    assert states(memory).tolist() == [-3, -2, -1, 1, 2, 3]
    assert slot(states(memory), memory).tolist() == [0, 1, 2, 3, 4, 5]
    assert after_play(states(memory), memory).tolist() == [-3, -3, -2, -1, -1, -1]
    assert after_idle(states(memory), memory).tolist() == [1, 1, 1, 2, 3, 3]


def test_a_life_step_by_step():
    mu = np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]])  # states -2, -1, 1, 2
    arms = LastSwitchArms(mu, 1)
    assert arms.tau.tolist() == [[2, 2]]
    seen = []
    for arm in (0, 0, 0, 0, 1, 0, -1, -1, 0):
        (reward,) = arms.step(np.array([arm]))
        seen.append((reward, *arms.tau[0].tolist()))
    assert seen == [
        (0.4, -1, 2),  # the first play finds the arm rested and leads to -1
        (0.2, -2, 2),  # the first repetition is played at -1
        (0.1, -2, 2),
        (0.1, -2, 2),
        (0.8, 1, -1),
        (0.3, -1, 1),
        (0.0, 1, 2),
        (0.0, 2, 2),
        (0.4, -1, 2),
    ]


@settings(max_examples=30, deadline=None)
@given(kinds, st.integers(1, 4), st.integers(1, 6), st.integers(1, 4), seeds)
def test_arms_follow_the_rules_for_any_choices(kind, n_arms, memory, draws, seed):
    rng = np.random.default_rng(seed)
    mu = draw_means(kind, n_arms, memory, rng)
    arms, tau = LastSwitchArms(mu, draws), np.full((draws, n_arms), memory)
    for _ in range(12):
        choice = rng.integers(-1, n_arms, draws)
        payoff = arms.step(choice)
        for d, i in itertools.product(range(draws), range(n_arms)):
            if choice[d] == i:
                assert payoff[d] == mu[i, slot(tau[d, i], memory)]
                tau[d, i] = -1 if tau[d, i] > 0 else max(tau[d, i] - 1, -memory)
            else:
                tau[d, i] = min(tau[d, i] + 1, memory) if tau[d, i] > 0 else 1
        assert (payoff[choice < 0] == 0).all()
        assert np.array_equal(arms.tau, tau)


@given(kinds, st.integers(1, 5), st.integers(1, 8), seeds)
def test_means_are_what_their_kind_says(kind, n_arms, memory, seed):
    mu = means(kind, n_arms, memory, seed)
    assert mu.shape == (n_arms, 2 * memory)
    checked_monotone(mu)
    if kind == "recharging":
        assert (mu[:, :memory] == mu[:, :1]).all()
    if kind == "satiation":
        assert (mu[:, memory:] == mu[:, -1:]).all()
    if kind == "greedy-trap":
        assert (mu[:, :-1] == 0.02).all()
        assert (mu[:, -1] == 1).all()


@given(kinds, st.integers(1, 6), seeds)
@settings(max_examples=25, deadline=None)
def test_one_arm_relaxation_has_a_closed_form_and_is_exact(kind, memory, seed):
    mu = means(kind, 1, memory, seed)
    row = mu[0]

    def reward(a, b):
        return row[memory + a - 1] + sum(row[memory - j] for j in range(1, b))

    best = max(reward(a, b) / (a + b) for a in range(1, memory + 1) for b in range(1, memory + 2))
    closed = max(row[0], best)
    assert solve_cycle_lp(mu).value == pytest.approx(closed, abs=1e-9)
    assert solve_joint_dp(mu).gain == pytest.approx(closed, abs=1e-8)


@given(kinds, st.integers(1, 3), st.integers(1, 4), seeds)
@settings(max_examples=25, deadline=None)
def test_relaxation_bounds_the_optimum_from_above(kind, n_arms, memory, seed):
    mu = means(kind, n_arms, memory, seed)
    assert solve_cycle_lp(mu).value >= solve_joint_dp(mu).gain - 1e-8


@given(kinds, st.integers(1, 4), st.integers(1, 4), seeds)
@settings(max_examples=20, deadline=None)
def test_longer_runs_and_rests_add_nothing(kind, n_arms, memory, seed):
    mu = means(kind, n_arms, memory, seed)
    long = solve_cycle_lp(mu, cycle_columns(2 * memory, 8 * memory)).value
    assert solve_cycle_lp(mu).value == pytest.approx(long, abs=1e-9)


def test_without_the_column_for_ever_it_is_no_upper_bound():
    mu = np.full((2, 6), 0.9)  # playing for ever is optimal
    mu[1] = 0.0
    truncated = solve_cycle_lp(mu, cycle_columns(3, 4, forever=False)).value
    assert truncated == pytest.approx(0.9 * 4 / 5)
    assert solve_joint_dp(mu).gain == pytest.approx(0.9)
    assert solve_cycle_lp(mu).value == pytest.approx(0.9)


@given(kinds, st.integers(1, 6), st.integers(1, 5), seeds)
@settings(max_examples=25, deadline=None)
def test_relaxation_equals_its_lagrangian_dual(kind, n_arms, memory, seed):
    mu = means(kind, n_arms, memory, seed)
    solution = solve_cycle_lp(mu)
    rest, plays = solution.cycles.T
    rewards = mu @ cycle_visits(solution.cycles, memory).T

    def dual(price):  # each arm alone, paying a price for each play
        return price + np.maximum(((rewards - price * plays) / (rest + plays)).max(axis=1), 0).sum()

    low, high = 0.0, 1.0
    for _ in range(80):  # ternary search: the dual is convex
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if dual(left) <= dual(right) else (left, high)
    assert solution.value == pytest.approx(dual((low + high) / 2), abs=1e-9)
    assert (solution.rates * rewards).sum() == pytest.approx(solution.value)
    assert (solution.shares.sum(axis=1) <= 1 + 1e-9).all()
    assert (solution.rates * plays).sum() <= 1 + 1e-9


@given(st.integers(1, 4), st.integers(1, 5), seeds)
@settings(max_examples=20, deadline=None)
def test_single_plays_are_enough_for_recharging_arms(n_arms, memory, seed):
    mu = means("recharging", n_arms, memory, seed)
    assert solve_cycle_lp(mu, cycle_columns(memory, 1)).value == pytest.approx(solve_cycle_lp(mu).value, abs=1e-9)


@given(kinds, st.integers(1, 5), st.integers(1, 5), seeds)
@settings(max_examples=40, deadline=None)
def test_correlation_gap(kind, n_arms, memory, seed):
    mu = means(kind, n_arms, memory, seed)
    solution = solve_cycle_lp(mu)
    ratio = rounded_value(mu, solution) / solution.value
    assert 1 - (1 - 1 / n_arms) ** n_arms - 1e-9 <= ratio <= 1 + 1e-9


def test_rounded_value_by_enumeration():
    mu = means("monotone", 2, 2, 3)
    solution = solve_cycle_lp(mu)
    plays = solution.rates @ cycle_visits(solution.cycles, 2)  # (n, 2M)
    laws = [[*zip(plays[i], mu[i], strict=True), (1 - plays[i].sum(), 0.0)] for i in range(2)]
    expected = sum(p * q * max(v, w) for p, v in laws[0] for q, w in laws[1])
    assert rounded_value(mu, solution) == pytest.approx(expected)


def test_dynamic_programme_against_all_cycles():
    """On a tiny instance the best of all action cycles up to a length is the optimum."""
    for seed in range(3):
        mu = means("monotone", 2, 2, seed)
        plan = BestFixedCycle(length=8)
        assert gain(mu, plan, rounds=6 * 840, skip=3 * 840) == pytest.approx(solve_joint_dp(mu).gain, abs=1e-6)


def test_optimal_policy_earns_its_gain():
    for kind, seed in itertools.product(KINDS, range(3)):
        mu = means(kind, 2, 4, seed)
        # rewards of a deterministic optimal policy repeat after a few rounds: 1200 rounds leave part of one period over
        assert gain(mu, ExactDp(), rounds=1500) == pytest.approx(solve_joint_dp(mu).gain, abs=0.01)


def test_greedy_trap_figures():
    mu = means("greedy-trap", 2, 6, 0)
    assert solve_cycle_lp(mu).value == pytest.approx(2 / 7)
    assert solve_joint_dp(mu).gain == pytest.approx(2 / 7, abs=1e-8)
    assert gain(mu, Greedy(tie="lowest"), rounds=300 + 70 * 7) == pytest.approx(1.12 / 7)
    assert gain(mu, ExactDp(), rounds=300 + 70 * 7) == pytest.approx(2 / 7)
    task = LastSwitchPlanning(kind="greedy-trap", n_arms=2, memory=6, rounds=2000, draws=200)
    instance = task.instance(Context(0))
    plays = {tie: task.run(Greedy(tie=tie), instance, Context(1)).by_round for tie in ("lowest", "random")}
    assert plays["lowest"].mean() == pytest.approx(0.160, abs=0.002)
    # Ties at random pay only when a coin shows the same side five times running, 2^6 - 2 tosses on average.
    assert plays["random"][500:].mean() == pytest.approx((62 * 0.02 + 1) / 63, abs=0.001)


def test_schedules_have_the_rates_of_the_solution():
    mu = means("monotone", 3, 4, 5)
    solution, draws = solve_cycle_lp(mu), 20_000
    schedules = draw_schedules(mu, solution.cycles, solution.shares, draws, np.random.default_rng(0))
    plays = np.zeros((3, 8))
    for t in (0, 7):  # stationary: any two rounds will do
        payoff = schedules.payoffs[schedules._places(t)]
        where = slot(schedules.virtual_tau(t), 4)
        for i in range(3):
            plays[i] += np.bincount(where[payoff[:, i] >= 0, i], minlength=8) / (2 * draws)
    expected = solution.rates @ cycle_visits(solution.cycles, 4)
    assert np.abs(plays - expected).max() < 4.5 * math.sqrt(0.25 / draws)
    best = [schedules.payoffs[schedules._places(t)].max(axis=1).clip(min=0).mean() for t in (0, 7)]
    assert np.mean(best) == pytest.approx(rounded_value(mu, solution), abs=4.5 * 0.5 / math.sqrt(draws))


def test_virtual_states_follow_the_rules_of_the_arms():
    mu = means("monotone", 3, 3, 1)
    cycles = cycle_columns(3, 4)
    shares = np.full((3, len(cycles)), 0.95 / len(cycles))
    schedules = draw_schedules(mu, cycles, shares, 500, np.random.default_rng(0))
    never = (schedules.period == 1) & np.isneginf(schedules.payoffs[..., 0])
    assert never.any()
    for t in range(12):
        tau = schedules.virtual_tau(t)
        payoff = schedules.payoffs[schedules._places(t)]
        plays = np.isfinite(payoff)
        assert np.array_equal(payoff[plays], mu[np.arange(3), slot(tau, 3)][plays])
        expected = np.where(plays, after_play(tau, 3), after_idle(tau, 3))
        assert np.array_equal(schedules.virtual_tau(t + 1), expected)


def test_choices_of_many_rounds_are_those_of_each():
    mu = means("monotone", 3, 4, 5)
    solution = solve_cycle_lp(mu)
    schedules = draw_schedules(mu, solution.cycles, solution.shares, 7, np.random.default_rng(0))
    assert np.array_equal(schedules.choose(np.arange(9)), [schedules.choose(t) for t in range(9)])


def test_best_fixed_cycle_matches_plain_simulation():
    mu = means("monotone", 2, 3, 4)
    best = 0.0
    for length in (1, 2, 3, 4):
        for cycle in itertools.product((-1, 0, 1), repeat=length):
            arms = LastSwitchArms(mu, 1)
            rewards = [arms.step(np.array([cycle[t % length]]))[0] for t in range(24)]
            best = max(best, np.mean(rewards[12:]))
    assert gain(mu, BestFixedCycle(length=4), rounds=324) == pytest.approx(best)
    with_budget = BestFixedCycle(length=6, max_cycles=10)  # pairs at most
    with_budget.plan(mu, 2, np.random.default_rng(0))
    assert len(with_budget._cycle) <= 2


def test_round_robin_and_ucb1():
    mu = np.tile([[0.1], [0.9]], (1, 4))  # payoffs without memory: an ordinary bandit
    assert gain(mu, RoundRobin()) == pytest.approx(0.5)
    instance = PlanningInstance(mu, 0.9, 0.9)
    task = LastSwitchLearning(n_arms=2, memory=2, rounds=2000, draws=10)
    play = task.run(Ucb1(), _learning(instance), Context(1))
    regret = (0.9 - play.by_round).sum()
    assert 0 < regret < 8 * math.log(2000) / 0.8 + (1 + math.pi**2 / 3) * 0.8  # theorem 1 of Auer et al.


def _learning(instance):
    from harness_plugins.decision.arenas.bandit_history import LearningInstance

    return LearningInstance(instance.mu, instance.lp_value, instance.optimum, instance.lp_value, noise_seed=3)


def test_curves_and_values_of_unaffordable_instances():
    assert checkpoints(20_000).tolist() == [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]
    assert checkpoints(30).tolist() == [1, 2, 5, 10, 20, 30]
    large = LastSwitchPlanning(n_arms=6, memory=4, rounds=5, draws=3)
    instance = large.instance(Context(0))
    play = large.run(RoundRobin(), instance, Context(0))
    assert instance.optimum is None
    assert approx_ratio_opt(instance, play) is None
    assert lp_over_opt(instance, play) is None
    with pytest.raises(ValueError, match="joint states"):
        large.run(ExactDp(), instance, Context(0))


def test_plan_value_lies_between_its_bounds():
    for seed in range(3):
        mu = means("monotone", 3, 4, seed)
        solution = solve_cycle_lp(mu)
        value = expected_plan_value(mu, np.random.default_rng(seed))
        assert rounded_value(mu, solution) - 0.02 < value < solution.value + 0.02


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "model", [Greedy(), Greedy("random"), RoundRobin(), BestFixedCycle(), RechargingInterleaved(), ExactDp()]
)
def test_planners_at_smoke_scale(model, kind):
    task = LastSwitchPlanning(kind=kind, **LastSwitchPlanning.scales["smoke"])
    instance = task.instance(Context(0))
    play, again = (task.run(model, instance, Context(1)) for _ in range(2))
    assert np.array_equal(play.by_round, again.by_round)
    values = {m.name: m(instance, play) for m in task.metrics}
    assert 0 < values["average-reward"] <= 1
    assert values["approx-ratio-opt"] <= 1 + 0.05  # the rested start helps a little
    assert values["reward-curve"].values[-1] == pytest.approx(values["average-reward"])


@pytest.mark.parametrize("model", [RoundRobin(), Ucb1()])
def test_learners_at_smoke_scale(model):
    task = LastSwitchLearning(**LastSwitchLearning.scales["smoke"])
    instance = task.instance(Context(0))
    play, again = (task.run(model, instance, Context(1)) for _ in range(2))
    assert np.array_equal(play.by_round, again.by_round)
    values = {m.name: m(instance, play) for m in task.metrics}
    assert values["plan-regret-curve"].values[-1] == pytest.approx(values["plan-regret"])
    assert values["lp-regret"] == pytest.approx(300 * ((1 - 1 / math.e) * instance.lp_value - values["average-reward"]))


def test_instances_are_drawn_from_the_seed_alone():
    for task in (LastSwitchPlanning(), LastSwitchLearning(draws=2)):
        one, same, other = (task.instance(Context(seed)) for seed in (3, 3, 4))
        assert np.array_equal(one.mu, same.mu)
        assert not np.array_equal(one.mu, other.mu)
        assert one.lp_value == same.lp_value


class Answers:
    """A planner that always gives the same answer."""

    def __init__(self, answer):
        self.answer = answer

    def plan(self, mu, draws, rng):
        mu[:] = 0  # its own copy

    def act(self, tau):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros(3, dtype=int), r"shape \(20,\)"),
        (np.zeros(20), "float64"),
        ([0] * 20, "list"),
        (np.full(20, 3), r"0\.\.2"),
        (np.full(20, -2), "-1 for none"),
    ],
)
def test_illegal_choices(answer, message):
    task = LastSwitchPlanning(**LastSwitchPlanning.scales["smoke"])
    instance = task.instance(Context(0))
    with pytest.raises(InvalidOutcomeError, match=message):
        task.run(Answers(answer), instance, Context(0))
    for name in task.operations:
        with pytest.raises(InvalidOutcomeError, match=message):
            task.operation(name, Answers(answer), instance, Context(0)).verify()
    assert instance.mu.max() > 0


def test_an_episode_is_what_the_task_runs_again_and_again():
    for task_class, model in ((LastSwitchPlanning, Greedy("random")), (LastSwitchLearning, Ucb1())):
        task = task_class(memory=3, rounds=40, draws=5)
        instance = task.instance(Context(0))
        operation = task.operation("episode", model, instance, Context(1))
        assert (operation.items, operation.item) == (200, "play")
        once = task.run(model, instance, Context(1)).by_round
        for play in (operation.call(), operation.call()):
            np.testing.assert_array_equal(play.by_round, once)


def test_planning_again_leaves_the_same_plan():
    task = LastSwitchPlanning(memory=3, rounds=40, draws=5)
    model, instance = LpRounding(), task.instance(Context(0))
    operation = task.operation("plan", model, instance, Context(1))
    operation.call()
    first = model.schedules
    operation.call()
    np.testing.assert_array_equal(model.schedules.phase, first.phase)
    np.testing.assert_array_equal(model.schedules.payoffs, first.payoffs)


def test_bad_input():
    rng = np.random.default_rng(0)
    for table, message in [
        (np.zeros((2, 3)), "shape"),
        (np.zeros((0, 2)), "shape"),
        (np.zeros(4), "shape"),
        (np.array([[0.1, np.nan]]), "finite"),
        (np.array([[0.1, 1.1]]), r"\[0, 1\]"),
    ]:
        for function in (solve_cycle_lp, solve_joint_dp, lambda mu: LastSwitchArms(mu, 1)):
            with pytest.raises(ValueError, match=message):
                function(table)
    with pytest.raises(ValueError, match="decrease"):
        checked_monotone(np.array([[0.2, 0.1]]))
    with pytest.raises(ValueError, match="draw"):
        LastSwitchArms(np.zeros((1, 2)), 0)
    with pytest.raises(ValueError, match="no kind"):
        draw_means("sorted", 2, 2, rng)
    with pytest.raises(ValueError, match="at least 1"):
        draw_means("monotone", 0, 2, rng)
    for field in ("n_arms", "memory", "rounds", "draws"):
        for task in (LastSwitchPlanning, LastSwitchLearning):
            with pytest.raises(ValueError, match=field):
                task(**{field: 0})


def test_family_lists_everything_once():
    assert {name for name, _, _ in family.models()} == {
        "greedy",
        "round-robin",
        "best-fixed-cycle",
        "recharging-interleaved",
        "ucb1",
        "exact-dp",
    }
    assert len([m.name for m in family.metrics()]) == 10


def test_standard_error_by_hand():
    task = LastSwitchPlanning()
    play = Play(np.array([0.5]), np.array([0.4, 0.6]))
    instance = PlanningInstance(np.zeros((1, 2)), 0.5, None)
    values = {m.name: m(instance, play) for m in task.metrics}
    assert values["approx-ratio-lp-stderr"] == pytest.approx(0.1 / 0.5)  # s.d. 0.141, two draws
