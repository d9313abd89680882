"""Arenas where the learners and planners of this family meet, and the common policies that they are compared with."""

from harness import Family
from harness_plugins.decision.arenas.bandit_history import LastSwitchLearning, LastSwitchPlanning
from harness_plugins.decision.arenas.history_policies import (
    BestFixedCycle,
    ExactDp,
    Greedy,
    RechargingInterleaved,
    RoundRobin,
    Ucb1,
)

family = Family(
    title="Decision making under uncertainty",
    tasks=[LastSwitchPlanning, LastSwitchLearning],
    baselines=[Greedy, RoundRobin, BestFixedCycle, RechargingInterleaved, Ucb1],
    references=[ExactDp],
)
