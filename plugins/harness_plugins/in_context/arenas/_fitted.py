"""Predicting each string by the automaton that was fitted to the strings before it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas._baum_welch import fit, initial, next_letters
from harness_plugins.in_context.arenas.prompts import FloatArray

_AT_ONCE = 50
"""Sequences whose automata are fitted at once."""


def fitted_predictions(
    tokens: NDArray[np.int64],
    vocabulary: int,
    separator: int,
    growth: float,
    steps: int,
    *,
    states: int,
    restarts: int,
    seed: int,
) -> FloatArray:
    """The laws of the next symbols, (B, T, V), for tokens (B, T); see `BaumWelch` for the parameters."""
    rng = np.random.default_rng(seed)
    letters = np.arange(vocabulary) != separator
    laws = np.tile(letters / letters.sum(), (*tokens.shape, 1))
    for part in range(0, len(tokens), _AT_ONCE):
        shown = tokens[part : part + _AT_ONCE]
        strings, string, within = parse(shown, vocabulary, separator)
        for first, last in stages(strings.shape[1], growth):
            reached = np.nonzero(string.max(axis=1) >= first)[0]  # the strings before `first` are whole there
            A = initial(rng, len(reached), restarts, vocabulary, states)
            fitted = fit(A, strings[reached, :first], steps)
            predicted = next_letters(fitted, strings[reached, first:last])
            row, place = np.nonzero((string[reached] >= first) & (string[reached] < last))
            at = reached[row], place
            laws[part + reached[row], place] = predicted[row, string[at] - first, within[at]]
    return laws


def stages(strings: int, growth: float) -> list[tuple[int, int]]:
    """After how many strings to fit, and up to which string to predict by it."""
    ends = [1]
    while ends[-1] < strings:
        ends.append(min(strings, max(ends[-1] + 1, int(ends[-1] * growth))))
    return list(pairwise(ends))


def parse(
    tokens: NDArray[np.int64], vocabulary: int, separator: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The strings of each sequence, and where each token stands.

    Returns:
        Strings (B, K, L), with V after a string's end; the number of each token's string (B, T); and how many letters
        of it have been read with that token, (B, T): 0 at the separator before it.
    """
    batch, length = tokens.shape
    place = np.arange(length)
    breaks = tokens == separator
    headless = ~breaks[:, :1]  # the first string has no separator before it
    string = breaks.cumsum(axis=1) - 1 + headless
    start = np.maximum.accumulate(np.where(breaks, place, -1), axis=1)
    within = place - start
    strings = np.full((batch, string.max() + 1, max(1, within.max())), vocabulary)
    row, at = np.nonzero(~breaks)
    strings[row, string[row, at], within[row, at] - 1] = tokens[row, at]
    return strings, string, within
