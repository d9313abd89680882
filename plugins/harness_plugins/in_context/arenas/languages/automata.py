"""Random automata, one for each sequence: strings of its language, between separators (Akyurek et al., 2401.12973).

An automaton has s ~ U{4..s_max} states and an alphabet of a ~ U{4..L} of the L letters. Each state has U{1..3} edges
to distinct states other than itself, with distinct letters. Strings start in state 0; every state accepts. A string
has U{1..longest} letters, each drawn uniformly from the edges of the state one is in.

Merging states that cannot be told apart, and dropping those that cannot be reached, changes nothing about the law of
the strings; it matters for telling whether two automata have the same language. `fingerprints` tells that without
building the minimal automaton. By its fingerprint, a language is either one to train on or one that is held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness_plugins.in_context.arenas.languages.law import LanguageLaw, Passages
from harness_plugins.in_context.arenas.prompts import FloatArray

IntArray = NDArray[np.int64]

HELD_OUT = 11
"""One language of so many is held out for the test: 500 beside 5000 in the paper."""


class Automata(NamedTuple):
    """B deterministic automata of at most S states with at most E edges each."""

    degrees: IntArray
    """Edges of each state, (B, S), 1..E."""
    letters: IntArray
    """Their letters, (B, S, E); of edges that are not there, any."""
    targets: IntArray
    """Where they lead, (B, S, E)."""

    def edges(self) -> NDArray[np.bool_]:
        """Which edges are there, (B, S, E)."""
        there: NDArray[np.bool_] = np.arange(self.letters.shape[2]) < self.degrees[..., None]
        return there

    def next_letter(self, vocabulary: int) -> FloatArray:
        """The law of the next letter in each state, (B, S, V): uniform over its edges."""
        law = np.zeros((*self.degrees.shape, vocabulary))
        np.put_along_axis(law, self.letters, np.where(self.edges(), 1 / self.degrees[..., None], 0.0), axis=2)
        return law


@dataclass
class AutomatonLaw(LanguageLaw):
    """Each sequence is of strings of a random automaton, a separator before each; separators are not scored.

    The truth is the law of the next letter, given that the string goes on. The separator is the last symbol.
    """

    states: int = 6
    """Most states of an automaton; the fewest are 4."""
    letters: int = 6
    """Letters there are, L; the separator is one symbol more. An automaton uses 4 of them or more."""
    branches: int = 3
    """Most edges of a state."""
    longest: int = 12
    """Most letters of a string."""
    skipped: int = 0
    """Strings at the start of a sequence that are not scored."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.states < 4 or self.letters < 4:
            raise ValueError(f"states and letters must be at least 4, not {self.states} and {self.letters}")
        if not 1 <= self.branches <= 3:
            raise ValueError(f"branches must be 1, 2 or 3 (four states have three others), not {self.branches}")
        if self.longest < 1:
            raise ValueError(f"longest must be at least 1 letter, not {self.longest}")
        if not 0 <= self.skipped * (self.longest + 1) < self.length:
            raise ValueError(
                f"skipped must be 0 or more, and {self.skipped} strings of up to {self.longest} letters and a "
                f"separator must be shorter than the sequence of {self.length} tokens"
            )

    @property
    def vocabulary(self) -> int:
        """The letters and the separator."""
        return self.letters + 1

    @property
    def separator(self) -> int:
        """The last symbol."""
        return self.letters

    def draw(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw sequences of languages that are held out."""
        return self._passages(rng, self._languages(rng, batch, held_out=True))

    def draw_training(self, rng: np.random.Generator, batch: int) -> Passages:
        """Draw sequences of the other languages."""
        return self._passages(rng, self._languages(rng, batch, held_out=False))

    def draw_automata(self, rng: np.random.Generator, count: int) -> Automata:
        """Draw automata, whatever their language."""
        S, E = self.states, self.branches
        states = rng.integers(4, S + 1, (count, 1, 1))
        alphabet = rng.random((count, self.letters)).argsort(axis=1) < rng.integers(4, self.letters + 1, (count, 1))
        # The first E of a random order, in which what may not be chosen comes last.
        barred = (np.arange(S) >= states) | np.eye(S, dtype=bool)
        targets = (rng.random((count, S, S)) + barred).argsort(axis=2)[..., :E]
        letters = (rng.random((count, S, self.letters)) + ~alphabet[:, None]).argsort(axis=2)[..., :E]
        return Automata(rng.integers(1, E + 1, (count, S)), letters, targets)

    def _languages(self, rng: np.random.Generator, batch: int, *, held_out: bool) -> Automata:
        """Automata whose languages are held out, or are not: drawn until there are enough."""
        found: list[Automata] = []
        while sum(len(automata.degrees) for automata in found) < batch:
            drawn = self.draw_automata(rng, (HELD_OUT + 1) * batch if held_out else batch + 8)
            chosen = (fingerprints(drawn) % np.uint64(HELD_OUT) == 0) == held_out
            found.append(Automata(*(part[chosen] for part in drawn)))
        return Automata(*(np.concatenate(parts)[:batch] for parts in zip(*found, strict=True)))

    def _passages(self, rng: np.random.Generator, automata: Automata) -> Passages:
        """Strings of each automaton, one after the other until there are T + 1 tokens."""
        batch, tokens = len(automata.degrees), self.length + 1
        row = np.arange(batch)[:, None]
        lengths = rng.integers(1, self.longest + 1, (batch, tokens // 2 + 1))  # (B, K)
        starts = (lengths + 1).cumsum(axis=1) - lengths - 1  # where their separators are
        begun = starts < tokens
        opens = np.zeros((batch, tokens), dtype=np.int64)
        opens[np.nonzero(begun)[0], starts[begun]] = 1
        string = opens.cumsum(axis=1) - 1  # (B, T+1): the string that a token belongs to
        within = np.arange(tokens) - starts[row, string]  # 0 at its separator
        letters, states = _walk(rng, automata, string.max() + 1, self.longest)
        spoken = np.where(within == 0, self.separator, letters[row, string, within - 1])
        truth = automata.next_letter(self.vocabulary)[row, states[row, string, within]]
        scored = (within[:, 1:] > 0) & (string[:, 1:] >= self.skipped)
        return Passages(spoken[:, :-1], spoken[:, 1:], truth[:, :-1], scored)


def _walk(rng: np.random.Generator, automata: Automata, strings: int, longest: int) -> tuple[IntArray, IntArray]:
    """Random walks from state 0: the letters (B, K, longest), and the states before each and at the end."""
    batch = len(automata.degrees)
    row = np.arange(batch)[:, None]
    letters = np.empty((batch, strings, longest), dtype=np.int64)
    states = np.zeros((batch, strings, longest + 1), dtype=np.int64)
    for step, chance in enumerate(rng.random((longest, batch, strings))):
        state = states[:, :, step]
        edge = (chance * automata.degrees[row, state]).astype(np.int64)
        letters[:, :, step] = automata.letters[row, state, edge]
        states[:, :, step + 1] = automata.targets[row, state, edge]
    return letters, states


def fingerprints(automata: Automata) -> NDArray[np.uint64]:
    """A number for each automaton's language, (B,): for the same S, equal for equal languages and for no others.

    A state's number is mixed from its letters and the numbers of the states they lead to, 2 S times over. Two states of
    automata of S states that agree on all strings of up to 2 S - 2 letters agree on all (Moore 1956), so different
    languages differ by then, up to a collision of 64-bit numbers.
    """
    return state_fingerprints(automata)[:, 0]


def state_fingerprints(automata: Automata) -> NDArray[np.uint64]:
    """The same for the language of each state, (B, S)."""
    row = np.arange(len(automata.degrees))[:, None, None]
    letters = _mixed(automata.letters.astype(np.uint64) + np.uint64(1))
    numbers = np.zeros(automata.degrees.shape, dtype=np.uint64)
    for _ in range(2 * automata.degrees.shape[1]):
        each = _mixed(letters + numbers[row, automata.targets])
        numbers = _mixed(np.where(automata.edges(), each, np.uint64(0)).sum(axis=2, dtype=np.uint64))
    return numbers


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection that scatters 64 bits: the finalizer of SplitMix64 (Steele et al. 2014)."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = x ^ (x >> np.uint64(31))
    return mixed
