"""The inner loops that NumPy cannot express, compiled."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

BASE = np.uint64(0x9E3779B97F4A7C15)
"""An odd number: a fingerprint is a polynomial in it, modulo 2^64."""


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def add_pairs(
    text: NDArray[np.intp], starts: NDArray[np.intp], stops: NDArray[np.intp], places: NDArray[np.intp], m: int
) -> NDArray[np.int32]:
    """Count pairs of equal letters at their shifts, one by one.

    Args:
        text: (n,) codes in [0, letters].
        starts: (letters + 1,) where the places of each letter begin in `places`.
        stops: (letters + 1,) and where they end; at their beginning for letters that are left out.
        places: (m,) places of the pattern, sorted by letter.
        m: length of the pattern.

    Returns:
        (n + m - 1,): the pairs at shift s stand at s + m - 1 (shifts at which the pattern overhangs come along).
    """
    counts = np.zeros(text.size + m - 1, dtype=np.int32)
    for i in range(text.size):
        letter = text[i]
        for index in range(starts[letter], stops[letter]):
            counts[np.uint64(i + m - 1 - places[index])] += 1  # unsigned: no check for an index from the end
    return counts


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def fingerprints(string: NDArray[Any]) -> NDArray[np.uint64]:
    """(length,) -> (length + 1,): of each prefix, sum of (letter + 1) * BASE^(letters behind it) modulo 2^64."""
    prefix = np.zeros(string.size + 1, dtype=np.uint64)
    for i in range(string.size):
        prefix[i + 1] = prefix[i] * BASE + np.uint64(string[i]) + np.uint64(1)
    return prefix


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def powers(length: int) -> NDArray[np.uint64]:
    """(length + 1,): BASE^0, BASE^1, ... modulo 2^64."""
    power = np.ones(length + 1, dtype=np.uint64)
    for i in range(length):
        power[i + 1] = power[i] * BASE
    return power


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def piece_candidates(
    text: NDArray[np.uint64], pattern: NDArray[np.uint64], power: NDArray[np.uint64], pieces: int
) -> NDArray[np.bool_]:
    """Shifts at which at least one of the pattern's first `pieces` pieces of m // pieces letters seems to occur.

    Args:
        text: (n + 1,) fingerprints of the text's prefixes.
        pattern: (m + 1,) those of the pattern's.
        power: (m + 1,) powers of the base.
        pieces: how many; at most m.

    Returns:
        (n - m + 1,): False only where certainly none does (unequal fingerprints are of unequal strings).
    """
    n, m = text.size - 1, pattern.size - 1
    length = m // pieces
    bits = 2
    while 1 << bits < 4 * pieces:
        bits += 1
    down = np.uint64(64 - bits)  # fingerprint >> down, after mixing: a slot of the table
    first = np.full(1 << bits, -1)  # slot -> one of its pieces
    following = np.full(pieces, -1)  # piece -> the next one in its slot
    wanted = np.empty(pieces, dtype=np.uint64)
    for piece in range(pieces):
        at = piece * length
        wanted[piece] = pattern[at + length] - pattern[at] * power[length]
        slot = (wanted[piece] * BASE) >> down
        following[piece] = first[slot]
        first[slot] = piece
    candidate = np.zeros(n - m + 1, dtype=np.bool_)
    for i in range(n - length + 1):
        found = text[i + length] - text[i] * power[length]
        piece = first[(found * BASE) >> down]
        while piece >= 0:
            shift = i - piece * length
            if wanted[piece] == found and 0 <= shift <= n - m:
                candidate[shift] = True
            piece = following[piece]
    return candidate


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _extension(
    text: NDArray[np.uint64], at: int, pattern: NDArray[np.uint64], place: int, power: NDArray[np.uint64]
) -> int:
    """Letters that text[at:] and pattern[place:] seem to share: steps are doubled while equal, then halved."""
    room = pattern.size - 1 - place
    known, step = 0, 1
    growing = True
    while step > 0:
        reach = known + step
        fits = reach <= room
        if fits:
            here = text[at + reach] - text[at + known] * power[step]
            there = pattern[place + reach] - pattern[place + known] * power[step]
            fits = here == there
        if fits:
            known = reach
        else:
            growing = False
        step = step * 2 if growing else step // 2
    return known


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def count_mismatches(
    strings: tuple[NDArray[Any], NDArray[Any]],
    prefixes: tuple[NDArray[np.uint64], NDArray[np.uint64]],
    power: NDArray[np.uint64],
    shifts: NDArray[np.intp],
    k: int,
) -> tuple[NDArray[np.int64], int, int]:
    """Jump from mismatch to mismatch at each of the shifts; count again, letter by letter, where at most k were met.

    Unequal fingerprints prove a mismatch, so k + 1 of them prove that the distance is above k. Equal ones prove
    nothing, hence the second count.

    Args:
        strings: text (n,) and pattern (m,).
        prefixes: fingerprints of their prefixes, (n + 1,) and (m + 1,).
        power: (m + 1,) powers of the base.
        shifts: (c,) where to count.
        k: the bound.

    Returns:
        (c,) distances, k + 1 for all above k; jumps made; letters compared.
    """
    text, pattern = strings
    text_prefix, pattern_prefix = prefixes
    m = pattern.size
    distances = np.empty(shifts.size, dtype=np.int64)
    jumps = comparisons = 0
    for index in range(shifts.size):
        shift = shifts[index]
        mismatches, place = 0, 0
        while mismatches <= k:
            jumps += 1
            place += _extension(text_prefix, shift + place, pattern_prefix, place, power)
            if place >= m:
                break
            mismatches += 1
            place += 1
        if mismatches <= k:
            comparisons += m
            mismatches = 0
            window = text[shift : shift + m]
            for j in range(m):
                mismatches += window[j] != pattern[j]
        distances[index] = min(mismatches, k + 1)
    return distances, jumps, comparisons
