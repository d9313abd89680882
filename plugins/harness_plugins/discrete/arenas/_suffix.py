"""Longest common extensions in constant time: suffix array, LCP array (Kasai 2001), sparse table of its minima."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Extensions:
    """How far two suffixes of one string of N letters agree."""

    rank: NDArray[np.int64]
    """(N,) place of each suffix in the sorted order."""
    minima: NDArray[np.int32]
    """(levels, N): minima[l, r] is the least of lcp[r : r + 2^l], lcp[r] being that of the suffixes ranked r - 1, r."""

    @classmethod
    def of(cls, string: NDArray[Any]) -> Extensions:
        """Build for a string (N,): O(N log^2 N) for the suffix array, O(N log N) for the table."""
        rank, order = suffix_array(string)
        levels = [_adjacent_lcp(string.astype(np.int64), rank, order)]
        width = 1
        while 2 * width < len(string):
            level = levels[-1].copy()
            np.minimum(
                level[:-width], level[width:], out=level[:-width]
            )  # the last `width` entries are never asked for
            levels.append(level)
            width *= 2
        return cls(rank, np.stack(levels))

    def longest(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
        """(q,), (q,) -> (q,): letters that the suffixes from left[i] and right[i], never the same, have in common."""
        low, high = np.sort([self.rank[left], self.rank[right]], axis=0)
        level = np.frexp(high - low)[1] - 1  # floor(log2(high - low))
        shared: NDArray[np.int32] = np.minimum(self.minima[level, low + 1], self.minima[level, high - (1 << level) + 1])
        return shared.astype(np.int64)


def suffix_array(string: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Prefix doubling (Manber and Myers 1990): sort by 1, 2, 4, ... letters until all suffixes differ.

    Returns:
        rank (N,) of each suffix, and order (N,), its inverse.
    """
    size = len(string)
    rank = np.unique(string, return_inverse=True)[1].astype(np.int64)
    width = 1
    while True:
        behind = np.zeros(size, dtype=np.int64)  # rank of what follows the first `width` letters; 0: nothing does
        behind[:-width] = rank[width:] + 1
        key = rank * (size + 1) + behind
        order = np.argsort(key, kind="stable")
        ranked = np.empty(size, dtype=np.int64)
        ranked[order] = np.cumsum(np.diff(key[order], prepend=key[order[0]]) != 0)
        rank, width = ranked, 2 * width
        if rank[order[-1]] == size - 1:
            return rank, order


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _adjacent_lcp(string: NDArray[np.int64], rank: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int32]:
    """(N,): letters that the suffixes of rank r - 1 and r share. From one suffix to the next, at most one is lost."""
    size = string.size
    lcp = np.zeros(size, dtype=np.int32)
    common = 0
    for start in range(size):
        if rank[start] == 0:
            common = 0
            continue
        other = order[rank[start] - 1]
        while start + common < size and other + common < size and string[start + common] == string[other + common]:
            common += 1
        lcp[rank[start]] = common
        common = max(common - 1, 0)
    return lcp
