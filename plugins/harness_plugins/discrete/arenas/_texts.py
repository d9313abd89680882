"""Texts and patterns of the arena: random ones, hard ones and a real one."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Strings: TypeAlias = tuple[NDArray[np.uint32], NDArray[np.uint32]]
"""Text (n,) and pattern (m,)."""
Origin: TypeAlias = Literal["uniform", "sqrt-balanced", "zipf", "planted", "periodic", "source"]
"""Where text and pattern come from."""


@dataclass(frozen=True)
class Recipe:
    """How to make a text of n letters and a pattern of m.

    - `uniform`: every letter independent and uniform on sigma letters.
    - `sqrt-balanced`: ceil(sqrt(m)) letters, each equally often in the pattern, which is where the cost of heavy and
      of light letters meet; uniform text.
    - `zipf`: letter r has probability proportional to 1 / r^1.2.
    - `planted`: uniform, with copies of the pattern in which at most `changes` letters were drawn anew.
    - `periodic`: text and pattern repeat one word of `period` letters, with `changes` flipped letters in every m of the
      two together, so that aligned distances are about that.
    - `source`: bytes of the Python standard library.
    """

    origin: Origin
    n: int
    m: int
    sigma: int
    changes: int
    period: int

    def __post_init__(self) -> None:
        """Raises ValueError: lengths or sizes that make no text."""
        if not 1 <= self.m <= self.n:
            raise ValueError(f"the pattern's length m must be between 1 and n = {self.n}, not {self.m}")
        for name, least in (("sigma", 1), ("changes", 0), ("period", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")

    def draw(self, rng: np.random.Generator) -> Strings:
        """Text (n,) and pattern (m,).

        Raises:
            ValueError: the origin is unknown, or the standard library is shorter than the text.
        """
        makers = {
            "uniform": self._uniform,
            "sqrt-balanced": self._balanced,
            "zipf": self._zipf,
            "planted": self._planted,
            "periodic": self._periodic,
            "source": self._source,
        }
        if self.origin not in makers:
            raise ValueError(f"no texts are called {self.origin!r}; there are {', '.join(makers)}")
        return makers[self.origin](rng)

    def _uniform(self, rng: np.random.Generator) -> Strings:
        return _letters(self.n, self.sigma, rng), _letters(self.m, self.sigma, rng)

    def _balanced(self, rng: np.random.Generator) -> Strings:
        sigma = ceil(sqrt(self.m))
        return _letters(self.n, sigma, rng), rng.permutation(np.arange(self.m, dtype=np.uint32) % np.uint32(sigma))

    def _zipf(self, rng: np.random.Generator) -> Strings:
        weight = np.arange(1, self.sigma + 1) ** -1.2
        both = rng.choice(self.sigma, size=self.n + self.m, p=weight / weight.sum()).astype(np.uint32)
        return both[: self.n], both[self.n :]

    def _planted(self, rng: np.random.Generator) -> Strings:
        text, pattern = self._uniform(rng)
        slots = self.n // self.m  # of m letters each; a copy goes into every fourth
        for slot in rng.choice(slots, size=max(1, slots // 4), replace=False):
            copy = text[slot * self.m : (slot + 1) * self.m]
            copy[:] = pattern
            places = rng.choice(self.m, size=min(self.m, int(rng.integers(self.changes + 1))), replace=False)
            copy[places] = _letters(places.size, self.sigma, rng)
        return text, pattern

    def _periodic(self, rng: np.random.Generator) -> Strings:
        word = _letters(self.period, self.sigma, rng)
        text, pattern = np.resize(word, self.n), np.resize(word, self.m)
        for string, flips in ((text, round(self.changes / 2 * self.n / self.m)), (pattern, self.changes // 2)):
            places = rng.choice(string.size, size=min(string.size, flips), replace=False)
            step = rng.integers(1, max(2, self.sigma), size=places.size, dtype=np.uint32)
            string[places] = (string[places] + step) % self.sigma
        return text, pattern

    def _source(self, rng: np.random.Generator) -> Strings:
        """Two passages at random places of the first files, of which there are enough for both twice over."""
        files: list[bytes] = []
        size = 0
        for path in _standard_library():
            files.append(path.read_bytes())
            size += len(files[-1])
            if size >= 2 * (self.n + self.m):
                break
        if size < self.n:
            raise ValueError(f"the Python standard library has {size} bytes of source here, fewer than n = {self.n}")
        corpus = np.frombuffer(b"".join(files), dtype=np.uint8).astype(np.uint32)
        start, pattern_start = (int(rng.integers(size - length + 1)) for length in (self.n, self.m))
        return corpus[start : start + self.n], corpus[pattern_start : pattern_start + self.m]


def _letters(size: int, sigma: int, rng: np.random.Generator) -> NDArray[np.uint32]:
    return rng.integers(sigma, size=size, dtype=np.uint32)


def _standard_library() -> Iterator[Path]:
    """The .py files of the running interpreter's standard library, in the same order everywhere."""
    for folder, folders, files in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = sorted(name for name in folders if name not in ("site-packages", "dist-packages", "__pycache__"))
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(".py"))
