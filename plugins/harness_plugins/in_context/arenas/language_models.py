"""Common baselines of in-context language modelling: counting, fitting an automaton, and networks that are trained.

All of them answer `next_token_probabilities(tokens (B, T), V) -> (B, T, V)`, causally: row t rests on tokens 0..t.
Which symbol separates strings, if one does, is part of the data's format, and models that parse it are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from harness import Context
from harness_plugins.in_context.arenas.languages.law import LanguageLaw, check_tokens
from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.meta_learner import MetaLearner
from harness_plugins.in_context.arenas.prompts import FloatArray

AttentionKind: TypeAlias = Literal["softmax", "relu", "linear"]
Reserve: TypeAlias = Literal["ends", "present", "none"]


@dataclass
class Uniform:
    """All symbols alike: the line every learner has to stay under."""

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """1 / V, (B, T, V)."""
        return np.full((*check_tokens(tokens, vocabulary), vocabulary), 1 / vocabulary)


@dataclass
class UnigramCounts:
    """How often each symbol comes in the law's training languages: what is known before a sequence is read."""

    sequences: int = 1000
    """Sequences that are counted."""
    _frequencies: FloatArray | None = field(default=None, init=False, repr=False)

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"sequences": 10}, "paper": {"sequences": 5000}}

    def meta_train(self, law: LanguageLaw, context: Context) -> None:
        """Count what is scored, beginning at 1."""
        if self.sequences < 1:
            raise ValueError(f"sequences must be at least 1, not {self.sequences}")
        passages = law.draw_training(np.random.default_rng(context.seed), self.sequences)
        counts = 1.0 + np.bincount(passages.following[passages.scored], minlength=law.vocabulary)
        self._frequencies = counts / counts.sum()

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """The frequencies, whatever the tokens: (B, T, V)."""
        shape = check_tokens(tokens, vocabulary)
        if self._frequencies is None or len(self._frequencies) != vocabulary:
            raise ValueError(f"UnigramCounts needs meta_train first, on a law of {vocabulary} symbols")
        return np.tile(self._frequencies, (*shape, 1))


@dataclass
class StringReader:
    """A model that is told which symbol separates strings."""

    _separator: int | None = field(default=None, init=False, repr=False)

    def inform(self, law: LanguageLaw) -> None:
        """Learn which symbol it is, and nothing else."""
        self._separator = law.separator


@dataclass
class InContextNgram(StringReader):
    """Counts of n-grams in the sequence so far, with back-off, for all positions at once: O(T n) rows of counts.

    p(c | context) is the share of the context's occurrences that c followed. What is left goes to the symbols that
    never did, as the order below has it; order 0 is uniform. No context crosses a separator: a string's start is filled
    up with marks.
    """

    order: int = 3
    """Tokens n of an n-gram, the predicted one included."""
    reserve: Reserve = "ends"
    """Which occurrences count that nothing followed: ends of strings and the present one (`ends`, the paper's code),
    the present one (`present`), or none, so that back-off is for new contexts only (`none`)."""

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V)."""
        from harness_plugins.in_context.arenas._counting import backed_off, contexts, followers

        if self.order < 1:
            raise ValueError(f"order must be at least 1, not {self.order}")
        one_of("reserve", self.reserve, get_args(Reserve))
        shape = check_tokens(tokens, vocabulary)
        letters = np.arange(vocabulary) != (-1 if self._separator is None else self._separator)
        probabilities: FloatArray = np.tile(letters / letters.sum(), (*shape, 1))
        for context in contexts(tokens, self.order, self._separator):
            counts, occurrences = followers(tokens, context, vocabulary, self._separator)
            if self.reserve != "ends":
                occurrences = counts.sum(axis=2, keepdims=True) + (self.reserve == "present")
            probabilities = backed_off(counts, np.maximum(occurrences, 1), probabilities)
        return probabilities


@dataclass
class BaumWelch(StringReader):
    """An automaton that emits along its edges, fitted to the strings so far by expectation maximisation.

    It predicts within a string as filtered by the automaton that was fitted to whole strings before it; before there
    is one, it is uniform. Of several random beginnings the likeliest is kept.
    """

    states: int = 8
    """States of the fitted automata."""
    restarts: int = 5
    """Random beginnings."""
    steps: int = 60
    """Steps of expectation maximisation."""
    growth: float = 1.5
    """By what factor the number of strings has to grow until the automaton is fitted anew; 1 is after every string."""
    seed: int = 0
    """Of the random beginnings."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"states": 3, "restarts": 2, "steps": 2, "growth": 2.0},
        "paper": {"states": 12, "growth": 1.0},
    }

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V).

        Raises:
            ValueError: nothing separates strings, or a parameter is out of range.
        """
        from harness_plugins.in_context.arenas._fitted import fitted_predictions

        if self.states < 2 or min(self.restarts, self.steps) < 1 or not 1 <= self.growth < np.inf:
            raise ValueError(
                "states must be at least 2, restarts and steps at least 1, growth at least 1 and finite, not "
                f"{self.states}, {self.restarts}, {self.steps} and {self.growth}"
            )
        check_tokens(tokens, vocabulary)
        if self._separator is None:
            raise ValueError("BaumWelch fits automata to strings: it needs a law with a separator between them")
        beginning = {"states": self.states, "restarts": self.restarts, "seed": self.seed}
        return fitted_predictions(tokens, vocabulary, self._separator, self.growth, self.steps, **beginning)


@dataclass
class _MetaTrained(MetaLearner):
    """Training on sequences of tokens, and predicting with what was learnt."""

    ngrams: tuple[int, ...] = ()
    """Contexts n of n-gram layers that follow on the first layer: attention to where the last n tokens stood before."""
    steps: int = 800
    """Gradient steps, each on fresh sequences."""
    batch: int = 16
    """Sequences of a step."""

    def trainer(self) -> Callable[..., dict[str, Any]]:
        """On sequences of tokens."""
        from harness_plugins.in_context.arenas._language_networks import meta_train

        return meta_train

    def architecture(self) -> dict[str, Any]:
        """Layers, width, n-gram layers."""
        return {**super().architecture(), "ngrams": self.ngrams}

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V).

        Raises:
            ValueError: it is not trained, or on other symbols or shorter sequences.
        """
        from harness_plugins.in_context.arenas._language_networks import predict

        weights = self.weights()
        check_size(weights, tokens, vocabulary)
        return predict(weights, self.architecture(), tokens)


def check_size(weights: Mapping[str, Any], tokens: NDArray[np.int64], vocabulary: int) -> None:
    """Raise a ValueError unless weights of a network trained on a `size` (V, T) can read tokens (B, t <= T)."""
    _, length = check_tokens(tokens, vocabulary)
    known, longest = weights["size"]
    if vocabulary != known or length > longest:
        raise ValueError(f"trained on {known} symbols, T <= {longest}; these are {vocabulary} and {length}")


@dataclass
class LanguageTransformer(_MetaTrained):
    """A GPT-2-like decoder, meta-trained on sequences of many languages."""

    heads: int = 2
    """Attention heads; they divide the width."""
    attention: AttentionKind = "softmax"
    """How scores become weights."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 2, "width": 8, "steps": 5, "batch": 4},
        "paper": {"layers": 8, "width": 256, "steps": 30_000, "batch": 32, "learning_rate": 2.5e-4},
    }

    def architecture(self) -> dict[str, Any]:
        """Layers, width, n-gram layers, heads, attention."""
        return {**super().architecture(), "heads": self.heads, "attention": self.attention}


@dataclass
class LanguageLstm(_MetaTrained):
    """A recurrent network, meta-trained in the same way; of about the transformer's number of parameters."""

    width: int = 80
    """Units of a recurrent layer."""
    learning_rate: float = 1e-2
    """Adam's step size at its height, after a fifth of the steps; a recurrent network bears a larger one."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 2, "width": 8, "steps": 5, "batch": 4},
        "paper": {"layers": 4, "width": 512, "steps": 30_000, "batch": 32, "learning_rate": 2.5e-4},
    }
