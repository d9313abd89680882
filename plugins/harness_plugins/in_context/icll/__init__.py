"""In-context language learning: architectures and algorithms (arXiv:2401.12973, ICML 2024).

E. Akyurek, B. Wang, Y. Kim, J. Andreas. A sequence holds strings of one random automaton, which nobody has seen before;
a model that continues them has to learn a language from its context. Transformers do that better than recurrent
networks, and what they do looks like counting n-grams: some heads attend to what followed the present context earlier.
Put in by hand, such heads help every other architecture too.

- The languages are the family's `in-context/automaton-language` (`arenas/languages/automata.py`). What a model is held
  against is the true law of the next letter, known from the automaton's state: `l1`, and `legal`, whether the likeliest
  letter is possible there at all.
- *N-gram head* (section 6, `arenas/ngram_layer.py`): token i attends evenly to all j < i whose n tokens before are the
  n tokens up to and with i; row i is 0 where there is none. With M the matrix of this, a layer answers
  T_0 (M h) + T_1 h for two learnt matrices. `NgramLstm` and `NgramTransformer` are the family's LSTM and transformer
  with such layers for n = 1, 2, 3 behind the first layer, each added to the residual stream; all are trained alike.
- *In-context n-gram* (`in-context/in-context-ngram`): p(c | context) = count(context c) / count(context); the rest of
  the mass backs off to the shorter context, over letters that did not come. All positions are counted at once, by
  sorting contexts, O(T n) rows of V; `RecountedNgram` counts anew at every position, as the paper's code does.
- *Baum-Welch* (`in-context/baum-welch`): an automaton with letters on its edges, fitted to the prompt by expectation
  maximisation.

Where this departs from the paper:
- A sequence is cut at T tokens, not after 10 to 19 strings, so there is nothing to fill up; a separator stands before
  the first string too, so that each string's first letter is predicted in the same way. Strings have a letter or more.
- Sequences are fresh at every step of training; the paper has 5000 and goes over them 200 times. Of all languages one
  in 11 is held out of training, and models are tested on these, whatever the automaton is drawn as: languages are told
  apart by a fingerprint of the minimal automaton.
- Training is 800 steps of 16 sequences. Of the step sizes 3e-3 and 1e-2 the LSTM has the one that suits it, 1e-2 (l1
  0.90 after 250 steps, against 0.93 after 600 with the other); the transformer, which either suits (0.64 and 0.57
  after 800), has 3e-3. One seed each, sequences as in the claims.
- Networks learn from, and are scored at, letters alone, not separators, whose law has nothing to do with the automaton.
- Token j = i, whose context ended just before the present one, is left out of M, as in the paper (j < i). It would not
  leak: token i is read. So a letter that came twice in a row is learnt one token late.
- Where every letter has followed a context, the paper's code leaves the probabilities summing to less than 1; here
  they are scaled to 1. Order 0 is uniform, so that no letter is impossible (the code knows only letters that came).
- The code fits an HMM whose hidden states are pairs of automaton states, anew at every token. That is an automaton with
  letters on its edges, which is what is fitted here, after whole strings.

    harness run suites/in_context/language.yaml
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness import Claim, Paper, measured, rank, ratio
from harness_plugins.in_context.arenas.language_models import LanguageLstm, LanguageTransformer, StringReader
from harness_plugins.in_context.arenas.languages.law import check_tokens
from harness_plugins.in_context.arenas.prompts import FloatArray


@dataclass
class NgramLstm(LanguageLstm):
    """The family's LSTM with n-gram heads behind its first layer."""

    ngrams: tuple[int, ...] = (1, 2, 3)
    """Contexts n of the heads: how many tokens, up to the present one, have to be the same."""


@dataclass
class NgramTransformer(LanguageTransformer):
    """The family's transformer with n-gram heads behind its first layer."""

    ngrams: tuple[int, ...] = (1, 2, 3)
    """Contexts n of the heads: how many tokens, up to the present one, have to be the same."""


@dataclass
class RecountedNgram(StringReader):
    """The in-context n-gram, counted anew at every position: what counting them all at once is compared with."""

    order: int = 3
    """Tokens n of an n-gram, the predicted one included."""

    def next_token_probabilities(self, tokens: NDArray[np.int64], vocabulary: int) -> FloatArray:
        """Tokens (B, T) -> (B, T, V)."""
        from harness_plugins.in_context.icll._recounted import recounted_predictions

        if self.order < 1:
            raise ValueError(f"order must be at least 1, not {self.order}")
        check_tokens(tokens, vocabulary)
        return recounted_predictions(tokens, vocabulary, self.order, self._separator)


_LANGUAGE = "in-context/automaton-language"
_NGRAM = "in-context/in-context-ngram"
_BAUM_WELCH = "in-context/baum-welch"
_TRANSFORMER = "in-context/language-transformer"
_LSTM = "in-context/language-lstm"
_NGRAM_LSTM = "icll/ngram-lstm"

_LEARNT = {_LANGUAGE: {"length": 120, "skipped": 5, "batch": 200}}
"""Sequences of some 15 strings, scored from the sixth on."""

claims = [
    Claim(
        "order-ladder",
        "The more context an in-context n-gram has, the more often its likeliest letter is one that can come: 3-grams "
        "do better than 2-grams, and these than single letters.",
        figure="none is given; section 5 holds networks against n-gram learners of orders 2 and 3",
        criterion="legal, over 5 seeds of 200 sequences of about 15 strings, scored from the sixth: higher for each "
        "order than for the one below, the 95 % interval of the difference included",
        cells=[{"tasks": [_LEARNT], "models": [{_NGRAM: {"order": [1, 2, 3]}}], "seeds": 5}],
        check=measured("legal", _NGRAM).step(over="order").more_than(0),
    ),
    Claim(
        "bw-vs-ngram",
        "An automaton that is fitted to 20 strings of the context comes nearer to the true law than 2-grams.",
        figure="none is given; section 5 holds networks against both learners",
        criterion="l1 after 20 strings or more, 5 seeds of 50 sequences: lower than that of 2-grams under the rule for "
        "unseen letters that suits them best, the 95 % interval of the ratio included",
        cells=[
            {
                "tasks": [{_LANGUAGE: {"length": 280, "skipped": 20, "batch": 50}}],
                "models": [_BAUM_WELCH, {_NGRAM: {"order": 2, "reserve": ["ends", "present", "none"]}}],
                "seeds": 5,
            }
        ],
        check=(measured("l1", _BAUM_WELCH) / measured("l1", _NGRAM).smallest(over="reserve")).less_than(1),
    ),
    Claim(
        "ngram-heads-help",
        "N-gram heads make a recurrent network a better in-context learner of languages.",
        figure="language models of 340M parameters gain up to 1.14 of perplexity (6.7 %), abstract",
        criterion="l1 of the LSTM with n-gram layers 1, 2, 3 at most 0.8 of the plain one's after equal steps, over 5 "
        "seeds, the 95 % interval of the ratio included",
        cells=[{"tasks": [_LEARNT], "models": [_NGRAM_LSTM, _LSTM], "seeds": 5}],
        check=ratio("l1", _NGRAM_LSTM, _LSTM).at_most(0.8),
    ),
    Claim(
        "transformer-beats-rnn",
        "A transformer learns languages in context better than a recurrent network of its size.",
        figure="transformers significantly outperform recurrent and convolutional models, abstract and section 4",
        criterion="l1 of a two-layer transformer below that of a two-layer LSTM with as many parameters after equal "
        "steps, in at least 4 of 5 seeds",
        cells=[{"tasks": [_LEARNT], "models": [_TRANSFORMER, _LSTM], "seeds": 5}],
        check=rank("l1", _TRANSFORMER, [_TRANSFORMER, _LSTM]).share(0.8).at_most(1),
    ),
]

paper = Paper(
    title="In-Context Language Learning: Architectures and Algorithms",
    arxiv="2401.12973",
    year=2024,
    venue="ICML",
    code="https://github.com/berlino/seq_icl",
    constructions=[NgramLstm, NgramTransformer],
    baselines=[RecountedNgram],
    claims=claims,
)
