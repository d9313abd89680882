"""Baselines of the arena of Hamming distances: what NumPy and SciPy make easy, and the classic algorithms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from harness_plugins.discrete._correlation import correlation_sum, indicators, whole
from harness_plugins.discrete._strings import relabel

CHUNK = 1 << 14
"""Shifts that are worked on at a time: their counters stay in the cache."""


@dataclass
class NaiveNumpy:
    """Compares every letter of the pattern with the text, all shifts at once: O(n m)."""

    def distances(self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], work: Counter[str]) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, or the pattern does not fit.
        """
        strings = relabel(text, pattern)
        letters, wanted = strings.smallest()
        distances = np.zeros(strings.shifts, dtype=np.int64)
        for first in range(0, strings.shifts, CHUNK):
            counts = distances[first : first + CHUNK]
            for start in range(0, strings.m, 255):  # as many as a byte can count
                few = np.zeros(counts.size, dtype=np.uint8)
                for place, letter in enumerate(wanted[start : start + 255], start=first + start):
                    few += (letters[place : place + counts.size] != letter).view(np.uint8)
                counts += few
        work["comparisons"] += strings.shifts * strings.m
        return distances

    def bounded(
        self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], k: int, work: Counter[str]
    ) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,): all distances, those above k cut off.

        Raises:
            ValueError: as `distances`, or k is negative.
        """
        check_bound(k)
        return np.minimum(self.distances(text, pattern, work), k + 1)


@dataclass
class FftPerLetter:
    """Correlates the places of each letter in text and pattern by FFT: O(sigma n log m)."""

    blocked: bool = True
    """Blocks of the text and one inverse transform for all letters; else `scipy.signal.fftconvolve` for each letter."""

    def distances(self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], work: Counter[str]) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, or the pattern does not fit.
        """
        from scipy.fft import next_fast_len
        from scipy.signal import fftconvolve

        strings = relabel(text, pattern)
        if self.blocked:
            tables = indicators(np.arange(strings.letters), strings.letters)
            return strings.m - whole(correlation_sum(strings, *tables, work))
        matches = np.zeros(strings.shifts)
        for letter in range(strings.letters):
            matches += fftconvolve(
                strings.text == letter, (strings.pattern == letter)[::-1].astype(float), mode="valid"
            )
        points = next_fast_len(strings.text.size + strings.m - 1, real=True)
        work["fft_points"] += round(3 * strings.letters * points * np.log2(points))
        return strings.m - whole(matches)

    def approx(
        self,
        text: NDArray[np.uint32],
        pattern: NDArray[np.uint32],
        eps: float,
        rng: np.random.Generator,
        work: Counter[str],
    ) -> NDArray[np.float64]:
        """(n,), (m,) -> (n - m + 1,): exactly, whatever eps is: what an approximation has to be faster than.

        Raises:
            ValueError: as `distances`, or eps is not between 0 and 1.
        """
        check_eps(eps)
        return self.distances(text, pattern, work).astype(np.float64)


@dataclass
class BitplanePopcount:
    """Compares 64 letters in one word, a bit of their codes at a time: O(n m log(sigma) / 64)."""

    def distances(self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], work: Counter[str]) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, or the pattern does not fit.
        """
        strings = relabel(text, pattern)
        planes = max(1, int(strings.text.max()).bit_length(), (strings.letters - 1).bit_length())
        wanted = _words(strings.pattern, planes)[:, ::64]  # (planes, ceil(m / 64))
        # the last word holds letters of the pattern in its low bits only
        masks = [2**64 - 1] * (wanted.shape[1] - 1) + [2 ** ((strings.m - 1) % 64 + 1) - 1]
        distances = np.zeros(strings.shifts, dtype=np.int64)
        for first in range(0, strings.shifts, CHUNK):
            counts = distances[first : first + CHUNK]
            seen = _words(strings.text[first : first + counts.size + strings.m - 1], planes)
            for index, mask in enumerate(masks):
                here = seen[:, 64 * index : 64 * index + counts.size]  # (planes, shifts)
                differ = here[0] ^ wanted[0, index]
                for plane in range(1, planes):
                    differ |= here[plane] ^ wanted[plane, index]
                counts += np.bitwise_count(differ & np.uint64(mask))
        work["words"] += strings.shifts * len(masks) * (2 * planes + 1)
        return distances


def _words(codes: NDArray[np.intp], planes: int) -> NDArray[np.uint64]:
    """(length,) -> (planes, length): bit b of word i of plane p is bit p of codes[i + b] (0 behind the end)."""
    words = (codes >> np.arange(planes)[:, None] & 1).astype(np.uint64)
    for width in (1, 2, 4, 8, 16, 32):  # words of 2 * width letters from two of width
        words[:, :-width] |= words[:, width:] << np.uint64(width)
    return words


@dataclass
class Karloff:
    """Averages the distances under random maps of the letters to two (Karloff 1993).

    Two different letters are told apart by half of the maps, so that H is twice the mean distance. By Hoeffding's
    inequality r = 8 / eps^2 maps miss 1 +- eps at a given shift with probability at most 2 exp(-r eps^2 / 2) < 4 %;
    all shifts share the maps.
    """

    maps: int | None = None
    """Random maps; by default 8 / eps^2."""

    def approx(
        self,
        text: NDArray[np.uint32],
        pattern: NDArray[np.uint32],
        eps: float,
        rng: np.random.Generator,
        work: Counter[str],
    ) -> NDArray[np.float64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, the pattern does not fit, or
                eps is not between 0 and 1.
        """
        check_eps(eps)
        strings = relabel(text, pattern)
        maps = self.maps or ceil(8 / eps**2)
        signs = rng.choice([-1.0, 1.0], size=(maps, strings.letters + 1))
        # with letters sent to +1 and -1, a map's distance is (m - correlation) / 2
        return strings.m - correlation_sum(strings, signs, signs[:, :-1], work) / maps


@dataclass
class Kangaroo:
    """Jumps over a suffix array from mismatch to mismatch, k + 1 times at each shift: O(n k) (Landau, Vishkin 1986)."""

    def bounded(
        self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], k: int, work: Counter[str]
    ) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, the pattern does not fit, or
                k is negative.
        """
        from harness_plugins.discrete.arenas._suffix import Extensions

        check_bound(k)
        strings = relabel(text, pattern)
        m = strings.m
        separator = [strings.letters + 1]  # stands in neither, so that no extension passes it
        extensions = Extensions.of(np.concatenate([strings.pattern, separator, strings.text]))
        distances = np.zeros(strings.shifts, dtype=np.int64)
        shifts, places = np.arange(strings.shifts), np.zeros(strings.shifts, dtype=np.int64)  # those still on their way
        for _ in range(k + 1):
            work["jumps"] += shifts.size
            places = places + extensions.longest(places, m + 1 + shifts + places)
            distances[shifts[places < m]] += 1
            further = places < m - 1
            shifts, places = shifts[further], places[further] + 1
        return distances


def check_bound(k: int) -> None:
    """Raises ValueError: k is no bound on a distance."""
    if k < 0:
        raise ValueError(f"the bound k must not be negative, not {k}")


def check_eps(eps: float) -> None:
    """Raises ValueError: eps is no relative error."""
    if not 0.0 < eps < 1.0:
        raise ValueError(f"eps must be between 0 and 1, not {eps}")
