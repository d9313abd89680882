"""Faster algorithms for text-to-pattern Hamming distances (arXiv:2310.13174, FOCS 2023).

T. M. Chan, C. Jin, V. Vassilevska Williams, Y. Xu. Given a text of n letters and a pattern of m, how many letters
differ at each of the n - m + 1 shifts? Three results: all distances exactly in O(n sqrt(m)) randomised time, which
removes the last sqrt(log m) of Abrahamson (1987); those up to k in O(n + n k / sqrt(m)); all of them up to a factor
1 +- eps in about eps^-0.93 n. No code of the authors is known.

The idea. Count matches letter by letter. A letter with x places in the text and y in the pattern can be counted pair
by pair, in x y steps, or by one convolution, in U log U steps whatever x and y are. Abrahamson sends the letters that
are frequent in the pattern to the FFT and the others to the pairs. The paper improves the case in which the two cost
the same, first by packing: in a word there is room for several letters' counts, so that one FFT serves several
letters; then by folding rare letters' sets modulo a random prime, so that their FFT is short.

Built here:
- `Abrahamson`: heavy and light letters with a fixed threshold, the reference.
- `PackedFft`: g letters in one transform, exactly. With B a power of two above m, letter r of a group weighs B^r in
  the text and B^(g-1-r) in the pattern. Two places contribute B^(r+g-1-s) for letters r and s, so the digit g - 1 to
  base B of the sum counts r = s, the matches; no digit overflows, since all pairs at one shift are at most m < B. So
  one inverse transform serves all groups. In float64 the sums, up to m B^(2(g-1)), must stay below 2^49.
- `TunedHybrid`: the paper's step in the form that pays in practice. Both costs are known for every letter before
  anything is computed, so each goes where it is cheaper, given what a pair and a point cost on the machine.
- `PigeonholeKangaroo`: distances up to k. Of k + 1 pieces of the pattern, one occurs unchanged wherever the distance
  is at most k. Other shifts are discarded in one pass over the text by fingerprints; at those left, one jumps from
  mismatch to mismatch.
- `Bucket`: the (1 + eps)-approximation whose eps^-1 the paper brings to eps^-0.93 (Kopelowitz and Porat 2018).

Differences from the paper:
- Folding modulo random primes, with its recursion on colliding shifts, is not built, nor is the reduction of periodic
  patterns to few letters by second differences: `PigeonholeKangaroo` jumps at every period instead, O(k) times.
- The costs are summed over all of the text's blocks before a letter is sent one way or the other, so that blocks share
  the pattern's transforms. Blocks have 4 m points instead of 2 m, which costs a third less for each shift.
- Fingerprints are taken modulo 2^64, and what they find is counted again: the answers are exact, always.
- The paper has no third way. Where pattern and alphabet are small (m up to about 256, up to 4 letters), comparing 64
  letters in a word, as `BitplanePopcount` does, is two to four times faster than `TunedHybrid`; but it is linear in m.

Not testable at sizes that run, and so not claimed: the factor sqrt(log m) between O(n sqrt(m)) and Abrahamson (at most
3.8 at m = 2^14, less than the constants), and eps^-0.93 instead of eps^-1 (a factor of 1.17 at eps = 0.1).

In a suite: `suites/discrete/text_pattern_distance.yaml`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from math import ceil, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from harness import Paper
from harness_plugins.discrete._correlation import block_count, correlation_sum, transform_cost, whole
from harness_plugins.discrete._strings import Strings, check_strings, relabel
from harness_plugins.discrete.arenas.matchers import check_bound, check_eps
from harness_plugins.discrete.arenas.text_pattern_distance import UNIT_COST
from harness_plugins.discrete.pattern_hamming._claims import claims

LARGEST_SUM = 2**49
"""Sums up to here survive a transform in float64: 53 bits, less what rounding takes."""


def packing_limit(m: int) -> int:
    """Letters that one transform may carry: the largest g with m B^(2(g-1)) <= 2^49, B being 2^ceil(log2(m + 1))."""
    g = 1
    while m << (2 * g * m.bit_length()) <= LARGEST_SUM:
        g += 1
    return g


def packed_matches(strings: Strings, letters: NDArray[np.intp], g: int, work: Counter[str]) -> NDArray[np.int64]:
    """Matches of the given letters at every shift, g letters in one transform.

    Args:
        strings: text and pattern.
        letters: (h,) codes of the letters to count.
        g: letters in one transform; at most `packing_limit(m)`.
        work: `fft_points` is raised by U log2 U for each transform.

    Returns:
        (n - m + 1,).

    Raises:
        ArithmeticError: rounding cannot be trusted, because g is too large.
    """
    if not letters.size:
        return np.zeros(strings.shifts, dtype=np.int64)
    g = min(g, letters.size)
    bits = strings.m.bit_length()  # of a digit: B = 2^bits > m
    rank = np.arange(letters.size) % g  # of a letter in its group
    text_values = np.zeros((ceil(letters.size / g), strings.letters + 1))
    pattern_values = np.zeros((len(text_values), strings.letters))
    groups = np.arange(letters.size) // g
    text_values[groups, letters] = 2.0 ** (bits * rank)
    pattern_values[groups, letters] = 2.0 ** (bits * (g - 1 - rank))
    sums = whole(correlation_sum(strings, text_values, pattern_values, work))
    matches: NDArray[np.int64] = sums >> bits * (g - 1) & (1 << bits) - 1  # the digit g - 1
    return matches


def paired_matches(strings: Strings, letters: NDArray[np.intp], work: Counter[str]) -> NDArray[np.int64]:
    """Matches of the given letters at every shift, one pair of equal letters after the other.

    Args:
        strings: text and pattern.
        letters: (h,) codes of the letters to count.
        work: `pair_updates` is raised by the pairs.

    Returns:
        (n - m + 1,).
    """
    from harness_plugins.discrete.pattern_hamming._kernels import add_pairs

    wanted = np.zeros(strings.letters + 1, dtype=bool)  # the last, the absent letters, never is
    wanted[letters] = True
    counts = np.append(strings.pattern_counts, 0)
    stops = np.cumsum(counts)
    starts = np.where(wanted, stops - counts, stops)
    overhanging: NDArray[np.int32] = add_pairs(
        strings.text, starts, stops, np.argsort(strings.pattern, kind="stable"), strings.m
    )
    work["pair_updates"] += int(strings.text_counts[letters] @ counts[letters])
    return overhanging[strings.m - 1 :][: strings.shifts].astype(np.int64)


@dataclass
class Abrahamson:
    """Letters frequent in the pattern by FFT, the others pair by pair: O(n sqrt(m log m)) (Abrahamson 1987)."""

    threshold: int | None = None
    """Frequency in the pattern from which a letter is heavy; by default sqrt(m log2 m), above m none is."""

    def distances(self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], work: Counter[str]) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, or the pattern does not fit.
        """
        strings = relabel(text, pattern)
        threshold = sqrt(strings.m * log2(strings.m)) if self.threshold is None else self.threshold
        heavy = strings.pattern_counts >= threshold
        matches = packed_matches(strings, np.flatnonzero(heavy), 1, work)
        return strings.m - matches - paired_matches(strings, np.flatnonzero(~heavy), work)


@dataclass
class PackedFft:
    """All letters by FFT, several in one transform."""

    letters: int | None = None
    """Letters in one transform; by default as many as float64 carries exactly."""

    def distances(self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], work: Counter[str]) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, the pattern does not fit, or
                one transform cannot carry so many letters.
        """
        strings = relabel(text, pattern)
        limit = packing_limit(strings.m)
        g = limit if self.letters is None else self.letters
        if not 1 <= g <= limit:
            raise ValueError(f"one transform carries 1 to {limit} letters at m = {strings.m}, not {g}")
        return strings.m - packed_matches(strings, np.arange(strings.letters), g, work)


@dataclass
class TunedHybrid:
    """Each letter where it is cheaper: packed into an FFT, or pair by pair. O(n sqrt(m)) but for the packing's limit.

    The costs decide the way, never the answer. By default they are fixed, so that the counted work is the same on
    every machine.
    """

    pair_cost: float = UNIT_COST["pair_updates"]
    """Cost of counting one pair of equal letters (c1)."""
    fft_cost: float = UNIT_COST["fft_points"]
    """Cost of a transform of U points, divided by U log2 U (c2)."""
    calibrate: bool = False
    """Whether to time both costs on this machine instead, once in a process: then the work depends on the clock."""

    def distances(self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], work: Counter[str]) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, the pattern does not fit, or
                a cost is not positive.
        """
        strings = relabel(text, pattern)
        g = packing_limit(strings.m)
        packed, paired = self.split(strings, g)
        matches = packed_matches(strings, packed, g, work)
        if paired.size:
            matches += paired_matches(strings, paired, work)
        return strings.m - matches

    def split(self, strings: Strings, g: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The letters to pack into FFTs, g in each, and those to count pair by pair, at the least total cost.

        A transform costs the same for every letter, so those sent there are the ones with the most pairs; the cost of
        sending the first h = 0, 1, ... of them is compared, the text's inverse transform included.
        """
        pair_cost, fft_cost = measured_costs() if self.calibrate else (self.pair_cost, self.fft_cost)
        if not (pair_cost > 0 and fft_cost > 0):
            raise ValueError(f"costs must be positive, not {pair_cost} for a pair and {fft_cost} for a point")
        pairs = strings.text_counts * strings.pattern_counts  # (letters,)
        order = np.argsort(-pairs, kind="stable")
        left = pairs.sum() - np.concatenate([[0], np.cumsum(pairs[order])])  # (letters + 1,): pairs if h are packed
        groups = -(-np.arange(strings.letters + 1) // g)
        blocks = block_count(strings.shifts, strings.m)
        transforms = groups * (blocks + 1) + blocks * (groups > 0)
        h = int(np.argmin(pair_cost * left + fft_cost * transform_cost(strings.m) * transforms))
        return order[:h], order[h:]


@cache
def measured_costs() -> tuple[float, float]:
    """Nanoseconds of a pair update, and of a transform per U log2 U: the shortest of five timings, once a process."""
    from timeit import repeat

    rng = np.random.default_rng(0)
    text, pattern = (rng.integers(16, size=size, dtype=np.uint32) for size in (1 << 16, 1 << 10))
    strings, every = relabel(text, pattern), np.arange(16)
    pairs, points = Counter[str](), Counter[str]()
    paired_matches(strings, every, pairs)  # compiles, and counts
    packed_matches(strings, every, 1, points)
    pair_time = min(repeat(lambda: paired_matches(strings, every, Counter()), number=1, repeat=5))
    fft_time = min(repeat(lambda: packed_matches(strings, every, 1, Counter()), number=1, repeat=5))
    return pair_time * 1e9 / pairs["pair_updates"], fft_time * 1e9 / points["fft_points"]


@dataclass
class PigeonholeKangaroo:
    """Discards shifts at which no piece of the pattern occurs, and jumps from mismatch to mismatch at the others.

    O(n + m + c k log m), and m for each distance up to k, with c shifts left; c is about n for short pieces, so that
    it pays while k is below sqrt(m) or so and the text is not periodic.
    """

    def bounded(
        self, text: NDArray[np.uint32], pattern: NDArray[np.uint32], k: int, work: Counter[str]
    ) -> NDArray[np.int64]:
        """(n,), (m,) -> (n - m + 1,).

        Raises:
            ValueError: the strings are not one-dimensional arrays of unsigned integers, the pattern does not fit, or
                k is negative.
        """
        from harness_plugins.discrete.pattern_hamming._kernels import (
            count_mismatches,
            fingerprints,
            piece_candidates,
            powers,
        )

        check_bound(k)
        check_strings(text, pattern)
        m, shifts = pattern.size, text.size - pattern.size + 1
        prefixes, power = (fingerprints(text), fingerprints(pattern)), powers(m)
        # k + 1 disjoint pieces and at most k mismatches: one piece is free of them
        possible = piece_candidates(*prefixes, power, k + 1) if k < m else np.ones(shifts, dtype=bool)
        candidates = np.flatnonzero(possible)
        distances = np.full(shifts, k + 1, dtype=np.int64)
        distances[candidates], jumps, comparisons = count_mismatches((text, pattern), prefixes, power, candidates, k)
        work["jumps"] += jumps
        work["comparisons"] += comparisons + text.size
        return distances


@dataclass
class Bucket:
    """Maps the letters at random to 2 / eps buckets and counts exactly (Kopelowitz and Porat 2018).

    A map loses the mismatches whose letters share a bucket, an expected fraction eps / 2, and adds none: the largest
    distance over log2(n) maps is never too large, and too small by more than eps with probability at most 1 / n.
    """

    maps: int | None = None
    """Random maps; by default log2(n)."""

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
        buckets = ceil(2 / eps)
        matches = np.full(strings.shifts, strings.m)
        for _ in range(self.maps or ceil(log2(max(2, text.size)))):
            bucket = rng.integers(buckets, size=strings.letters + 1)  # of each letter; the last for the absent ones
            used = np.unique(bucket[:-1])  # those that hold a letter of the pattern
            tables = (bucket == used[:, None]).astype(float)  # (used, letters + 1)
            matches = np.minimum(matches, whole(correlation_sum(strings, tables, tables[:, :-1], work)))
        return (strings.m - matches).astype(np.float64)


paper = Paper(
    title="Faster Algorithms for Text-to-Pattern Hamming Distances",
    arxiv="2310.13174",
    year=2023,
    venue="FOCS",
    constructions=[TunedHybrid, PackedFft, PigeonholeKangaroo],
    baselines=[Abrahamson, Bucket],
    claims=claims,
)
