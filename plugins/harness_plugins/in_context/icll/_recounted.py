"""The back-off n-gram as the paper's code computes it: for every position, all counts anew."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.prompts import FloatArray

Context = tuple[int, ...]

_START = -1
"""What strings are filled up with at their start."""


def recounted_predictions(tokens: NDArray[np.int64], vocabulary: int, order: int, separator: int | None) -> FloatArray:
    """Tokens (B, T) -> the laws of the next symbols (B, T, V): O(T^2 n) for a sequence."""
    letters = [symbol for symbol in range(vocabulary) if symbol != separator]
    laws = np.zeros((*tokens.shape, vocabulary))
    for b, sequence in enumerate(tokens.tolist()):
        for t in range(len(sequence)):
            strings = [[_START] * (order - 1) + string for string in split(sequence[: t + 1], separator)]
            grams, contexts = count(strings, order)
            if sequence[0] != separator:  # nobody was asked for the first letter
                forget_first(strings[0], order, grams, contexts)
            laws[b, t, letters] = law(tuple(strings[-1][len(strings[-1]) - order + 1 :]), letters, grams, contexts)
    return laws


def split(sequence: list[int], separator: int | None) -> list[list[int]]:
    """The strings of a sequence, the unfinished one last."""
    strings: list[list[int]] = [[]] if not sequence or sequence[0] != separator else []
    for symbol in sequence:
        if symbol == separator:
            strings.append([])
        else:
            strings[-1].append(symbol)
    return strings


def count(strings: list[list[int]], order: int) -> tuple[Counter[Context], Counter[Context]]:
    """Of all orders up to `order`: how often each gram (a context and a letter) stands, and each context."""
    grams: Counter[Context] = Counter()
    contexts: Counter[Context] = Counter()
    for string in strings:
        for end in range(order - 1, len(string) + 1):
            for n in range(order):
                context = tuple(string[end - n : end])
                contexts[context] += 1
                if end < len(string):
                    grams[*context, string[end]] += 1
    return grams, contexts


def forget_first(string: list[int], order: int, grams: Counter[Context], contexts: Counter[Context]) -> None:
    """Take the first letter of a string, and its place, out of the counts."""
    for n in range(order):
        contexts[(_START,) * n] -= 1
        grams[*(_START,) * n, string[order - 1]] -= 1


def law(context: Context, letters: list[int], grams: Counter[Context], contexts: Counter[Context]) -> FloatArray:
    """The law of the next letter in a context, with back-off to shorter ones, (V,)."""
    lower = law(context[1:], letters, grams, contexts) if context else np.full(len(letters), 1 / len(letters))
    counts = np.array([grams[*context, letter] for letter in letters], dtype=np.float64)
    left = lower[counts == 0].sum()
    found: FloatArray
    if left == 0:
        found = counts / counts.sum()
    else:
        found = np.where(counts > 0, counts, (contexts[context] - counts.sum()) * lower / left) / contexts[context]
    return found
