"""Which pairs of arms are tested, how, and what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.compare.options import Options
from harness.compare.pair import Pair, Verdict
from harness.compare.sample import Sample
from harness.stats.interval import Interval
from harness.stats.multiple import adjust
from harness.stats.paired import Paired, Scale, paired_rows, unpaired

MOST = 12
"""So many arms are compared each with each; of more, each with one."""


@dataclass(frozen=True, eq=False)
class _Trial:
    """A pair before the correction: two arms of a sample, by their positions."""

    sample: Sample
    a: int
    b: int
    result: Paired
    paired: bool


def couples(arms: Sequence[int], chief: int | None) -> list[tuple[int, int]]:
    """Who is compared with whom: all with the chief, if there is one; else each with each."""
    if chief is not None:
        return [(arm, chief) for arm in arms if arm != chief]
    return [(first, second) for position, first in enumerate(arms) for second in arms[position + 1 :]]


def chief(sample: Sample, baseline: int | None) -> int | None:
    """The arm with which all are compared: the baseline, or the leader where there are many arms."""
    if baseline is None and len(sample.ranking) > MOST:
        return sample.ranking[0]
    return baseline


def tested(samples: Sequence[Sample], baselines: Sequence[int | None], options: Options) -> list[tuple[Pair, ...]]:
    """The pairs of each sample. The samples are of one task and metric: their tests are corrected together.

    A leader is found by looking at the data: to compare with it is to have looked at all pairs, and they all count.
    """
    trials = [
        _trials(sample, couples(sample.ranking, chief(sample, baseline)), options)
        for sample, baseline in zip(samples, baselines, strict=True)
    ]
    family = sum(
        len(found) if baseline is not None else math.comb(len(sample.ranking), 2)
        for found, sample, baseline in zip(trials, samples, baselines, strict=True)
    )
    corrected = iter(correct([trial.result.p_value for found in trials for trial in found], family, options))
    return [tuple(_pair(trial, next(corrected), family, options) for trial in found) for found in trials]


def correct(p_values: Sequence[float], family: int, options: Options) -> list[float]:
    """The p-values, corrected as part of a family of so many tests; those that were not made count as 1."""
    corrected: list[float] = adjust(p_values, options.correction, family).tolist()
    return corrected


def _trials(sample: Sample, wanted: Sequence[tuple[int, int]], options: Options) -> list[_Trial]:
    """The pairs tested: those of two arms without a gap all at once, the others one by one."""
    whole: list[bool] = np.all(sample.known, axis=1).tolist()
    at_once = [(a, b) for a, b in wanted if whole[a] and whole[b]]
    values = sample.values[np.array(at_once, int).reshape(-1, 2)]
    scale = Scale.RATIO if sample.positive else Scale.DIFFERENCE
    direction, test, confidence = sample.quantity.direction, options.test, options.confidence
    results = paired_rows(
        values[:, 0], values[:, 1], direction=direction, scale=scale, test=test, confidence=confidence
    )
    found = {pair: _Trial(sample, *pair, result, paired=True) for pair, result in zip(at_once, results, strict=True)}
    return [found.get(pair) or _with_gaps(sample, *pair, scale, options) for pair in wanted]


def _with_gaps(sample: Sample, a: int, b: int, scale: Scale, options: Options) -> _Trial:
    """A pair by the instances that both have; by all of each, if they have too few in common."""
    first, second = sample.values[a], sample.values[b]
    known_a, known_b = sample.known[a], sample.known[b]
    common = known_a & known_b
    if common.sum() >= min(2, known_a.sum(), known_b.sum()):
        (result,) = paired_rows(
            first[None, common],
            second[None, common],
            direction=sample.quantity.direction,
            scale=scale,
            test=options.test,
            confidence=options.confidence,
        )
        return _Trial(sample, a, b, result, paired=True)
    apart = unpaired(first[known_a], second[known_b], scale=scale, confidence=options.confidence)
    return _Trial(sample, a, b, apart, paired=False)


def _pair(trial: _Trial, p_value: float, family: int, options: Options) -> Pair:
    sample, result = trial.sample, trial.result
    known_a, known_b = sample.known[trial.a], sample.known[trial.b]
    failed_a, failed_b = sample.failed[trial.a], sample.failed[trial.b]
    wins, ties, losses, failed, met = result.wins, result.ties, result.losses, (0, 0), known_a | known_b
    if not sample.flawless:  # a failed case loses to one that is ok
        wins += int(np.count_nonzero(known_a & failed_b))
        ties += int(np.count_nonzero(failed_a & failed_b))
        losses += int(np.count_nonzero(failed_a & known_b))
        failed, met = (int(failed_a.sum()), int(failed_b.sum())), met | failed_a | failed_b
    corrected = options.correction != "none" and family > 1
    return Pair(
        subject=sample.subject,
        a=sample.arms[trial.a].name,
        b=sample.arms[trial.b].name,
        quantity=sample.quantity,
        result=result,
        paired=trial.paired,
        p_value=p_value,
        corrected=corrected,
        verdict=_verdict(trial, p_value, options),
        wins=wins,
        ties=ties,
        losses=losses,
        met=int(np.count_nonzero(met)),
        failed=failed,
        level=options.alpha / family if corrected else options.alpha,
        rope=options.rope,
    )


def _verdict(trial: _Trial, p_value: float, options: Options) -> Verdict:
    result, effect = trial.result, trial.result.effect
    ratio = result.scale is Scale.RATIO
    if trial.paired and result.ties == result.count and not trial.sample.failed[[trial.a, trial.b]].any():
        return Verdict.IDENTICAL
    if options.rope is not None and _within(effect, options.rope, ratio=ratio):
        return Verdict.EQUIVALENT
    neutral = 1.0 if ratio else 0.0
    if p_value >= options.alpha or effect.low <= neutral <= effect.high:  # test and interval have to agree
        return Verdict.UNDECIDED
    lower = trial.sample.quantity.direction == "lower"
    return Verdict.BETTER if (effect.estimate < neutral) is lower else Verdict.WORSE


def _within(effect: Interval, rope: float, *, ratio: bool) -> bool:
    low, high = (1 / (1 + rope), 1 + rope) if ratio else (-rope, rope)
    return low <= effect.low and effect.high <= high
