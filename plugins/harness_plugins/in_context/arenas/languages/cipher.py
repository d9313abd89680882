"""English under a substitution cipher: docstrings of Python's standard library, in 27 symbols.

Text is lower-cased; whatever is no letter becomes a space, one for a run of them. Modules are divided: models are
trained on some, and instances come from the others.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.planted import Bigram, PlantedLaw
from harness_plugins.in_context.arenas.prompts import FloatArray

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
"""The plain symbols, by number."""

_LONGEST = 20_000
"""Tokens of a sequence, at most: the held-out text is four times as long."""

TRAINING = (
    "argparse codecs configparser datetime difflib doctest enum imaplib inspect ipaddress mailbox optparse os pdb "
    "smtplib socketserver ssl subprocess tarfile traceback typing"
)
"""Modules whose docstrings models are trained on."""
HELD_OUT = "bdb ftplib functools pathlib shutil statistics tempfile textwrap threading zipfile"
"""Modules whose docstrings instances are cut from."""


@dataclass
class CipherLaw(PlantedLaw):
    """Stretches of English text, each under a fresh permutation of letters and space."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.length > _LONGEST:
            raise ValueError(f"length must be at most {_LONGEST}, as there is little more text, not {self.length}")

    @property
    def vocabulary(self) -> int:
        """27: the space and the letters."""
        return len(ALPHABET)

    def bigram(self) -> Bigram:
        """Frequencies of letters, and of letters after letters, in the training text, each count with one added."""
        V = self.vocabulary
        text = docstrings(TRAINING)
        counts = 1.0 + np.bincount(text[:-1] * V + text[1:], minlength=V * V).reshape(V, V)
        return Bigram(counts.sum(axis=1) / counts.sum(), counts / counts.sum(axis=1, keepdims=True))

    def draw_plain(self, rng: np.random.Generator, batch: int, training: bool) -> tuple[NDArray[np.int64], FloatArray]:
        """Stretches (B, T+1) and what follows each of their tokens, (B, T, V): for written text a certainty."""
        text = docstrings(TRAINING if training else HELD_OUT)
        starts = rng.integers(len(text) - self.length, size=(batch, 1))
        tokens = text[starts + np.arange(self.length + 1)]
        truth: FloatArray = np.eye(self.vocabulary)[tokens[:, 1:]]
        return tokens, truth


@cache
def docstrings(modules: str) -> NDArray[np.int64]:
    """The docstrings of modules of the standard library, read from their sources, as numbers of plain symbols.

    Args:
        modules: their names, with spaces between them.

    Raises:
        ValueError: this Python came without the sources.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    texts: list[str] = []
    for name in modules.split():
        places = [folder / f"{name}.py", folder / name / "__init__.py"]  # modules turn into packages with time
        source = next((place for place in places if place.is_file()), None)
        if source is None:
            raise ValueError(f"the source of the standard module {name!r} is not in {folder}")
        texts.extend(_docstrings_of(ast.parse(source.read_bytes())))
    prose = "\n".join(line for line in "\n".join(texts).splitlines() if not line.lstrip().startswith((">>>", "...")))
    letters = re.sub("[^a-z]+", " ", prose.lower())
    numbers = (np.frombuffer(letters.encode(), dtype=np.uint8).astype(np.int64) - (ord("a") - 1)).clip(min=0)
    numbers.flags.writeable = False  # the cache gives it to all
    return numbers


def _docstrings_of(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[str]:
    yield ast.get_docstring(node) or ""
    for inner in node.body:
        if isinstance(inner, ast.ClassDef | ast.FunctionDef):
            yield from _docstrings_of(inner)
