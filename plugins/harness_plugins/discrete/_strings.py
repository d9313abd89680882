"""A text and a pattern as the matching algorithms want them: letters renamed to small codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Strings:
    """A text and a pattern whose letters are named 0, 1, ...; a letter that the pattern lacks never matches."""

    text: NDArray[np.intp]
    """(n,) codes; `letters` stands for every letter that is not in the pattern."""
    pattern: NDArray[np.intp]
    """(m,) codes in [0, letters), each of them used."""
    letters: int
    """Distinct letters of the pattern."""

    @property
    def m(self) -> int:
        """Length of the pattern."""
        return self.pattern.size

    @property
    def shifts(self) -> int:
        """Places where the pattern fits: n - m + 1."""
        return self.text.size - self.pattern.size + 1

    @property
    def text_counts(self) -> NDArray[np.intp]:
        """(letters,) how often each letter of the pattern stands in the text."""
        return np.bincount(self.text, minlength=self.letters)[: self.letters]

    @property
    def pattern_counts(self) -> NDArray[np.intp]:
        """(letters,) how often each letter stands in the pattern."""
        return np.bincount(self.pattern, minlength=self.letters)

    def smallest(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Text and pattern in the narrowest unsigned type that holds the codes: less memory to stream through."""
        dtype = np.min_scalar_type(self.letters)
        return self.text.astype(dtype), self.pattern.astype(dtype)


def relabel(text: NDArray[np.unsignedinteger[Any]], pattern: NDArray[np.unsignedinteger[Any]]) -> Strings:
    """Name the letters by their order in the pattern's alphabet, all others alike.

    Raises:
        ValueError: see `check_strings`.
    """
    check_strings(text, pattern)
    alphabet, pattern_codes = np.unique(pattern, return_inverse=True)
    letters = alphabet.size
    highest = max(int(text.max()), int(alphabet[-1]))
    if highest <= 4 * text.size:  # a table is ten times faster than a search, where it stays small
        table = np.full(highest + 1, letters)
        table[alphabet] = np.arange(letters)
        codes = table[text]
    else:
        codes = np.searchsorted(alphabet, text)
        codes[alphabet[np.minimum(codes, letters - 1)] != text] = letters
    return Strings(codes.astype(np.intp, copy=False), pattern_codes.astype(np.intp, copy=False), letters)


def check_strings(text: NDArray[Any], pattern: NDArray[Any]) -> None:
    """Accept one-dimensional arrays of unsigned integers, the pattern neither empty nor longer than the text.

    Raises:
        ValueError: says which of the two is wrong, and how.
    """
    for name, string in (("text", text), ("pattern", pattern)):
        if not isinstance(string, np.ndarray) or string.ndim != 1:
            shape = getattr(string, "shape", None)
            raise ValueError(
                f"the {name} must be a one-dimensional array, not {type(string).__name__} of shape {shape}"
            )
        if not np.issubdtype(string.dtype, np.unsignedinteger):
            raise ValueError(f"the {name} must hold unsigned integers, not {string.dtype}")
        if string.size == 0:
            raise ValueError(f"the {name} is empty")
    if pattern.size > text.size:
        raise ValueError(f"the pattern ({pattern.size} letters) is longer than the text ({text.size})")
