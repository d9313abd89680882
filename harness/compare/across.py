"""How the arms that several tasks share are compared over these tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from harness.compare.baseline import called
from harness.compare.options import Options
from harness.compare.overall import Overall, OverallPair
from harness.compare.pairing import correct, couples
from harness.compare.sample import Sample
from harness.stats.bayes import Posterior, signed_rank
from harness.stats.paired import Paired, Scale, paired
from harness.stats.ranks import friedman


def overalls(samples: Sequence[Sample], options: Options) -> tuple[Overall, ...]:
    """Over all tasks of a scale, backend and metric that share two arms; else over each group with the same arms."""
    groups: dict[tuple[str, str, str], dict[str, list[Sample]]] = {}
    for sample in samples:
        key = (sample.place.scale, sample.place.backend, sample.quantity.name)
        groups.setdefault(key, {}).setdefault(sample.place.task, []).append(sample)
    return tuple(_overall(*key, arms, tasks, options) for key, by in groups.items() for arms, tasks in _shared(by))


def _shared(tasks: dict[str, list[Sample]]) -> Iterator[tuple[list[str], dict[str, list[Sample]]]]:
    """The arms (in the order of the first task) and the tasks that share them."""
    names = {task: frozenset(_names(found[0])) for task, found in tasks.items()}
    common = frozenset.intersection(*names.values())
    for arms in [common] if len(common) > 1 else dict.fromkeys(names.values()):
        members = {task: found for task, found in tasks.items() if arms <= names[task]}
        if len(members) > 1 and len(arms) > 1:
            yield sorted(arms), members


def _names(sample: Sample) -> list[str]:
    return [arm.name for arm in sample.arms if arm.role != "reference"]


def _overall(
    scale: str, backend: str, metric: str, names: list[str], tasks: dict[str, list[Sample]], options: Options
) -> Overall:
    costs = np.array([_costs(found, names) for found in tasks.values()])
    order = np.argsort(friedman(costs).mean_ranks, kind="stable")
    costs, arms = costs[:, order], tuple(names[index] for index in order)
    comparable = np.array([all(sample.positive for sample in found) for found in tasks.values()])
    named = called(arms, options.baseline) if options.baseline else []
    anchor = arms.index(named[0]) if len(named) == 1 else 0
    family = len(arms) - 1 if named else math.comb(len(arms), 2)
    pairs = _pairs(costs, arms, comparable, anchor, family, options)
    return Overall(scale, backend, metric, tuple(tasks), arms, costs, friedman(costs), pairs, anchor, options.alpha)


def _costs(samples: Sequence[Sample], names: Sequence[str]) -> np.ndarray:
    """What each arm costs on a task. Of two runs: over the models that have a value in both."""
    if len(samples) == 1:
        means = _oriented_means(samples[0], names)
        return np.where(np.isnan(means), np.inf, means)
    means = np.array([_oriented_means(sample, names) for sample in samples])
    whole = means[~np.isnan(means).any(axis=1)]
    if not len(whole):
        return np.full(len(names), np.inf)
    combined: np.ndarray = np.exp(np.log(whole).mean(axis=0)) if (whole > 0).all() else whole.mean(axis=0)
    return combined


def _oriented_means(sample: Sample, names: Sequence[str]) -> np.ndarray:
    """Lower is better; NaN where there is no value."""
    positions = {arm.name: index for index, arm in enumerate(sample.arms)}
    means = sample.means[[positions[name] for name in names]]
    if sample.quantity.direction == "lower":
        return means
    return 1 / means if sample.positive else -means


def _pairs(
    costs: np.ndarray, arms: tuple[str, ...], comparable: np.ndarray, anchor: int, family: int, options: Options
) -> tuple[OverallPair, ...]:
    trials = [(a, b, _ratio(costs[comparable][:, [a, b]], options)) for a, b in couples(range(len(arms)), anchor)]
    p_values = correct([result.p_value if result else 1.0 for _, _, result in trials], family, options)
    return tuple(
        OverallPair(
            a=arms[a],
            b=arms[b],
            wins=int(np.count_nonzero(costs[:, a] < costs[:, b])),
            ties=int(np.count_nonzero(costs[:, a] == costs[:, b])),
            losses=int(np.count_nonzero(costs[:, a] > costs[:, b])),
            result=result,
            p_value=p_value if result else None,
            posterior=_posterior(costs[comparable][:, [a, b]], options) if result else None,
        )
        for (a, b, result), p_value in zip(trials, p_values, strict=True)
    )


def _ratio(costs: np.ndarray, options: Options) -> Paired | None:
    known = costs[np.isfinite(costs).all(axis=1)]
    if len(known) < 2:
        return None
    return paired(*known.T, direction="lower", scale=Scale.RATIO, test=options.test, confidence=options.confidence)


def _posterior(costs: np.ndarray, options: Options) -> Posterior | None:
    if options.rope is None:
        return None
    known = costs[np.isfinite(costs).all(axis=1)]
    return signed_rank(np.log(known[:, 0] / known[:, 1]), math.log1p(options.rope))
