"""Sums of correlations of recoded strings by FFT: blocks of the text, added up as spectra, one inverse for each block.

All that the FFT does for Hamming distances is here one function: letters become numbers (an indicator, a power of a
base, a random sign), the text's numbers are correlated with the pattern's, and the results of many such recodings are
added. Adding is done before the inverse transform, which is linear, so that a recoding costs one forward transform of
the text's blocks and no inverse.
"""

from __future__ import annotations

from collections import Counter
from math import log2

import numpy as np
from numpy.typing import NDArray

from harness_plugins.discrete._strings import Strings

BATCH = 1 << 22
"""Points of the pattern's transforms that are kept at a time (32 MiB of spectra)."""
CHUNK = 1 << 15
"""Symbols of the text that are transformed at a time: their spectra stay in the cache."""


def transform_points(m: int) -> int:
    """Points U of one transform: a good FFT length of at least 4 m, of which U - m + 1 shifts come out right.

    Blocks of 2 m, as one writes it down (Abrahamson 1987), yield m shifts for 2 m points; 4 m yield 3 m, so that a
    shift costs 4/3 instead of 2 points.
    """
    from scipy.fft import next_fast_len

    return int(next_fast_len(4 * m, real=True))


def block_count(shifts: int, m: int) -> int:
    """Blocks of the text that cover all shifts."""
    return -(-shifts // (transform_points(m) - m + 1))


def transform_cost(m: int) -> int:
    """The unit in which transforms are counted: U log2 U points for one real transform of U points."""
    points = transform_points(m)
    return round(points * log2(points))


def correlation_sum(
    strings: Strings, text_values: NDArray[np.float64], pattern_values: NDArray[np.float64], work: Counter[str]
) -> NDArray[np.float64]:
    """Correlate text and pattern under each of G recodings, and add.

    Args:
        strings: text of n codes, pattern of m codes.
        text_values: (G, letters + 1), what recoding g puts for each letter of the text; the last for absent letters.
        pattern_values: (G, letters), what it puts for each letter of the pattern.
        work: `fft_points` is raised by U log2 U for each transform.

    Returns:
        (n - m + 1,): at shift i, sum over g and j of text_values[g, text[i + j]] * pattern_values[g, pattern[j]].
    """
    from scipy.fft import irfft, rfft

    m, points = strings.m, transform_points(strings.m)
    valid, blocks = points - m + 1, block_count(strings.shifts, m)
    padded = np.full(blocks * valid + m - 1, strings.letters, dtype=np.intp)
    padded[: strings.text.size] = strings.text
    overlapping = np.lib.stride_tricks.sliding_window_view(padded, points)[::valid]  # (blocks, U)
    total = np.zeros((blocks, valid))
    at_once, rows = max(1, BATCH // points), max(1, CHUNK // points)
    for first in range(0, len(text_values), at_once):
        batch = slice(first, first + at_once)
        # correlation is convolution with the reversed pattern: the conjugate of its spectrum
        spectra = [rfft(values[strings.pattern], points).conj() for values in pattern_values[batch]]  # (U/2 + 1,) each
        for top in range(0, blocks, rows):
            codes = np.ascontiguousarray(overlapping[top : top + rows])  # (rows, U)
            spectrum = np.zeros((len(codes), points // 2 + 1), dtype=np.complex128)
            for values, conjugate in zip(text_values[batch], spectra, strict=True):
                transformed = rfft(values.take(codes), axis=1, overwrite_x=True)  # (rows, U/2 + 1)
                transformed *= conjugate
                spectrum += transformed
            total[top : top + rows] += irfft(spectrum, points, axis=1, overwrite_x=True)[:, :valid]
        work["fft_points"] += transform_cost(m) * (len(spectra) * (blocks + 1) + blocks)
    return total.reshape(-1)[: strings.shifts]


def indicators(letters: NDArray[np.intp], alphabet: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One recoding for each of the given letters: 1 where it stands, 0 elsewhere; matches are the correlation's sum.

    Returns:
        values for the text (len(letters), alphabet + 1) and for the pattern (len(letters), alphabet).
    """
    table = np.zeros((len(letters), alphabet + 1))
    table[np.arange(len(letters)), letters] = 1.0
    return table, table[:, :-1]


def whole(sums: NDArray[np.float64]) -> NDArray[np.int64]:
    """The integers that the sums must be.

    Raises:
        ArithmeticError: a sum is 1/4 or more away from every integer, or so large that float64 could not tell, so that
            rounding cannot be trusted.
    """
    largest = float(np.abs(sums).max())
    if not largest < 2**50:  # where the distance between two floats reaches 1/4
        raise ArithmeticError(f"float64 does not carry this correlation: a sum is {largest:.3g}, beyond 2^50")
    rounded = np.rint(sums)
    error = float(np.abs(sums - rounded).max())
    if error >= 0.25:
        raise ArithmeticError(f"float64 does not carry this correlation: a sum is {error:.3g} away from an integer")
    return rounded.astype(np.int64)
