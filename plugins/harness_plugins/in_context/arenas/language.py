"""In-context language modelling: say the law of the next token, in a language that only the sequence itself tells.

Each sequence has a language of its own: an automaton, a table of transitions, a cipher. A model reads B sequences of T
tokens and answers a distribution over the V symbols after each token; the true law, which only the scorer knows, is
what it is held against (Akyurek et al., arXiv:2401.12973; Huang et al., arXiv:2305.16349). The laws are in
`languages/`, the tasks in `language_tasks.py`, one for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from harness import Along, Context, InvalidOutcomeError, Metric, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.languages.law import LanguageLaw, Passages
from harness_plugins.in_context.arenas.preparing import law_of, prepare
from harness_plugins.in_context.arenas.prompts import FloatArray

_TOLERANCE = 1e-5
"""How far a distribution's sum may be from 1: models that were trained answer in single precision."""


class InContextLanguageModel(Protocol):
    """Predicts every token of a sequence from those before it."""

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) of 0..V-1 -> (B, T, V); row t is the law of token t + 1, and uses tokens 0..t only."""


@metric(unit="1", direction="lower")
def l1(instance: Passages, outcome: FloatArray) -> float:
    """Sum over symbols of |p - truth|, twice the total variation; mean over what is scored."""
    return float(_distances(instance, outcome)[instance.scored].mean())


@metric(unit="1", direction="lower")
def l1_curve(instance: Passages, outcome: FloatArray) -> Along:
    """The same by how many tokens have been read: over the second half of the first 1, 2, 4, ... tokens."""
    distances = np.where(instance.scored, _distances(instance, outcome), np.nan)
    length = distances.shape[1]
    ends = [end for end in [2**k for k in range(length.bit_length())] if instance.scored[:, end // 2 : end].any()]
    return Along([float(np.nanmean(distances[:, end // 2 : end])) for end in ends], tokens=ends)


@metric(unit="nats", direction="lower")
def cross_entropy(instance: Passages, outcome: FloatArray) -> float | None:
    """Mean of -log p(next token) over what is scored; none where a token that came was held impossible."""
    came = np.take_along_axis(outcome, instance.following[..., None], axis=-1)[..., 0][instance.scored]
    return float(-np.log(came).mean()) if came.all() else None


@metric(unit="nats", direction="lower")
def kl(instance: Passages, outcome: FloatArray) -> float | None:
    """Mean of KL(truth || p) over what is scored; none where something possible was held impossible."""
    truth, answered = instance.truth[instance.scored], outcome[instance.scored]
    possible = truth > 0
    if not answered[possible].all():
        return None
    return float(np.sum(truth[possible] * np.log(truth[possible] / answered[possible])) / len(truth))


@metric(unit="1", direction="higher")
def legal(instance: Passages, outcome: FloatArray) -> float:
    """Share of scored positions whose most probable symbol is possible: an automaton's accuracy."""
    best = outcome.argmax(-1)
    possible = np.take_along_axis(instance.truth, best[..., None], axis=-1)[..., 0] > 0
    return float(possible[instance.scored].mean())


def _distances(instance: Passages, outcome: FloatArray) -> FloatArray:
    distances: FloatArray = np.abs(outcome - instance.truth).sum(-1)
    return distances


@dataclass
class NextToken(Task[Passages, InContextLanguageModel, FloatArray]):
    """What every task of the arena does with a batch of sequences."""

    batch: int = 100
    """Sequences."""

    drawn_from: ClassVar[type[LanguageLaw]]
    """The law whose parameters the task has."""
    protocol = InContextLanguageModel
    metrics: ClassVar[tuple[Metric, ...]] = (l1, l1_curve, cross_entropy, kl, legal)
    operations: ClassVar[tuple[str, ...]] = ("predict",)

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1 sequence, not {self.batch}")
        self.law()  # says what is wrong with its own parameters

    def law(self) -> LanguageLaw:
        """The distribution of the sequences."""
        return law_of(self, self.drawn_from)

    def instance(self, context: Context) -> Passages:
        """Draw the sequences."""
        return self.law().draw(context.rng, self.batch)

    def run(self, model: InContextLanguageModel, instance: Passages, context: Context) -> FloatArray:
        """Show the tokens; the answer is (B, T, V)."""
        law = self.law()
        prepare(model, law, context)
        shown = instance.tokens.copy()
        with context.phase("predict"):
            answered = model.next_token_probabilities(shown, law.vocabulary)
        _check_probabilities(answered, instance)
        return answered

    def operation(self, name: str, model: InContextLanguageModel, instance: Passages, context: Context) -> Operation:
        """Reading the sequences, once the model has been told or has learnt their law."""
        law = self.law()
        prepare(model, law, context)
        return Operation(
            partial(model.next_token_probabilities, instance.tokens.copy(), law.vocabulary),
            lambda answered: _check_probabilities(answered, instance),
            items=instance.tokens.size,
            item="token",
        )


def _check_probabilities(answered: Any, instance: Passages) -> None:
    """Raise an InvalidOutcomeError unless these are distributions (B, T, V)."""
    check_array(answered, "probabilities", "(B, T, V)", instance.truth.shape)
    if answered.min() < 0:
        raise InvalidOutcomeError("probabilities must not be negative")
    worst = float(np.abs(answered.sum(-1) - 1).max())
    if worst > _TOLERANCE:
        raise InvalidOutcomeError(f"probabilities must sum to 1; a sum is {worst:.2g} off")
