"""Tasks of this paper: looking up, deciphering, and whether renaming the symbols changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from harness import Context, InvalidOutcomeError, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.language import (
    InContextLanguageModel,
    NextToken,
    cross_entropy,
    kl,
    l1,
    l1_curve,
)
from harness_plugins.in_context.arenas.language_tasks import MarkovLanguage
from harness_plugins.in_context.arenas.languages.cipher import CipherLaw
from harness_plugins.in_context.arenas.languages.law import Passages
from harness_plugins.in_context.arenas.languages.markov import MarkovLaw
from harness_plugins.in_context.arenas.languages.planted import Enciphered, PlantedLaw, invert, rename
from harness_plugins.in_context.arenas.preparing import law_of, prepare
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.lexinvariant._lookup import LookupLaw

IntArray = NDArray[np.int64]


@metric(unit="1", direction="higher")
def accuracy(instance: Passages, outcome: FloatArray) -> float:
    """Share of scored positions whose most probable symbol is the one that came."""
    return float((outcome.argmax(-1) == instance.following)[instance.scored].mean())


@dataclass
class Lookup(NextToken, LookupLaw):
    """Values of keys that the sequence has told, symbols being assigned to keys and values as never in training."""

    drawn_from = LookupLaw
    metrics = (accuracy, cross_entropy, kl, l1, l1_curve)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"length": 16, "pairs": 3, "batch": 8},
        "paper": {"length": 400, "pairs": 65, "batch": 500},
    }


class Decipherer(Protocol):
    """Says what the symbols of each sequence stand for."""

    def decipher(self, tokens: IntArray, vocabulary: int) -> IntArray:
        """Tokens (B, T) of 0..V-1 -> plain symbols (B, V) of the symbols shown, a permutation each."""


@metric(unit="1", direction="higher")
def decipher_accuracy(instance: Enciphered, outcome: IntArray) -> float:
    """Share of tokens that are deciphered as what they stand for."""
    return float((np.take_along_axis(outcome, instance.passages.tokens, axis=1) == instance.plain).mean())


@metric(unit="1", direction="higher")
def key_accuracy(instance: Enciphered, outcome: IntArray) -> float:
    """Share of sequences of which the whole key was found, rare symbols and symbols that never came included."""
    return float((outcome == invert(instance.keys)).all(axis=1).mean())


@dataclass
class Deciphers(Task[Enciphered, Decipherer, IntArray]):
    """What both tasks of deciphering do."""

    batch: int = 100
    """Sequences."""

    drawn_from: ClassVar[type[PlantedLaw]]
    """The law whose parameters the task has."""
    protocol = Decipherer
    metrics = (decipher_accuracy, key_accuracy)
    operations: ClassVar[tuple[str, ...]] = ("decipher",)

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1 sequence, not {self.batch}")
        self.law()

    def law(self) -> PlantedLaw:
        """The language under its keys."""
        return law_of(self, self.drawn_from)

    def instance(self, context: Context) -> Enciphered:
        """Draw the sequences and their keys."""
        return self.law().draw_enciphered(context.rng, self.batch)

    def run(self, model: Decipherer, instance: Enciphered, context: Context) -> IntArray:
        """Show the tokens; the answer is (B, V)."""
        law = self.law()
        prepare(model, law, context)
        shown = instance.passages.tokens.copy()
        with context.phase("decipher"):
            answered = model.decipher(shown, law.vocabulary)
        _check_keys(answered, instance)
        return answered

    def operation(self, name: str, model: Decipherer, instance: Enciphered, context: Context) -> Operation:
        """Deciphering all sequences, by a model that has been told or has learnt the language."""
        law = self.law()
        prepare(model, law, context)
        return Operation(
            partial(model.decipher, instance.passages.tokens.copy(), law.vocabulary),
            lambda answered: _check_keys(answered, instance),
            items=len(instance.keys),
            item="sequence",
        )


def _check_keys(answered: Any, instance: Enciphered) -> None:
    """Raise an InvalidOutcomeError unless these are permutations (B, V)."""
    check_array(answered, "plain symbols", "(B, V)", instance.keys.shape, np.integer)
    if not (np.sort(answered, axis=1) == np.arange(answered.shape[1])).all():
        raise InvalidOutcomeError("two symbols of a sequence were deciphered alike, or as one that does not exist")


@dataclass
class Deciphering(Deciphers, MarkovLaw):
    """What the symbols of a planted Markov chain stand for."""

    length: int = 400
    """Tokens T of a sequence that models are shown."""

    drawn_from = MarkovLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"symbols": 4, "length": 30, "batch": 8},
        "paper": {"symbols": 7, "batch": 500},
    }


@dataclass
class TextDeciphering(Deciphers, CipherLaw):
    """What space and letters of English text stand for."""

    length: int = 400
    """Tokens T of a sequence that models are shown."""

    drawn_from = CipherLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"length": 30, "batch": 4},
        "paper": {"length": 512, "batch": 500},
    }


class Renamed(NamedTuple):
    """Sequences, then the same sequences with other names for their symbols."""

    passages: Passages
    """Of 2B sequences."""
    names: IntArray
    """The symbol that stands for each in the second half, (B, V)."""


@metric(unit="1", direction="lower")
def invariance_error(instance: Renamed, outcome: FloatArray) -> float:
    """Root of the mean square of p(pi v | pi x) - p(v | x), over sequences, positions and symbols."""
    return float(np.sqrt(np.mean(_differences(instance, outcome) ** 2)))


@metric(unit="1", direction="lower")
def largest_invariance_error(instance: Renamed, outcome: FloatArray) -> float:
    """The largest |p(pi v | pi x) - p(v | x)|."""
    return float(np.abs(_differences(instance, outcome)).max())


def _differences(instance: Renamed, outcome: FloatArray) -> FloatArray:
    before, after = np.split(outcome, 2)
    differences: FloatArray = np.take_along_axis(after, instance.names[:, None], axis=2) - before
    return differences


@dataclass
class Invariance(Task[Renamed, InContextLanguageModel, FloatArray], MarkovLaw):
    """Whether predictions stay the same when a sequence's symbols are given other names."""

    length: int = 50
    """Tokens T of a sequence that models are shown."""
    batch: int = 50
    """Sequences."""

    protocol = InContextLanguageModel
    metrics = (invariance_error, largest_invariance_error)
    operations: ClassVar[tuple[str, ...]] = ("predict",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"symbols": 4, "length": 20, "batch": 4},
        "paper": {"symbols": 7, "length": 400, "batch": 500},
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        self.arena()

    def arena(self) -> MarkovLanguage:
        """The arena's task for all 2B sequences."""
        return MarkovLanguage(**vars(law_of(self, MarkovLaw)), batch=2 * self.batch)

    def instance(self, context: Context) -> Renamed:
        """Draw sequences and names."""
        once = law_of(self, MarkovLaw).draw(context.rng, self.batch)
        names = context.rng.permuted(np.tile(np.arange(self.vocabulary), (self.batch, 1)), axis=1)
        pairs = zip(once, rename(once, names), strict=True)
        return Renamed(Passages(*(np.concatenate(pair) for pair in pairs)), names)

    def run(self, model: InContextLanguageModel, instance: Renamed, context: Context) -> FloatArray:
        """Show all of them, as if they had nothing to do with each other; the answer is (2B, T, V)."""
        return self.arena().run(model, instance.passages, context)

    def operation(self, name: str, model: InContextLanguageModel, instance: Renamed, context: Context) -> Operation:
        """Reading all of them."""
        return self.arena().operation(name, model, instance.passages, context)
