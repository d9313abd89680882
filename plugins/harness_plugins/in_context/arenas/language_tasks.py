"""In-context language modelling of sequences that are drawn from a law: a task for each, whose parameters are its."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from harness_plugins.in_context.arenas.language import NextToken
from harness_plugins.in_context.arenas.languages.automata import AutomatonLaw
from harness_plugins.in_context.arenas.languages.cipher import CipherLaw
from harness_plugins.in_context.arenas.languages.contextual_bigram import ContextualBigramLaw
from harness_plugins.in_context.arenas.languages.markov import MarkovLaw


@dataclass
class AutomatonLanguage(NextToken, AutomatonLaw):
    """Strings of a random automaton, a fresh one for each sequence, that no model was trained on."""

    drawn_from = AutomatonLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"length": 40, "states": 4, "letters": 4, "longest": 6, "skipped": 0, "batch": 8},
        "paper": {"length": 400, "states": 12, "letters": 18, "longest": 49, "batch": 500},
    }


@dataclass
class MarkovLanguage(NextToken, MarkovLaw):
    """One Markov chain for all sequences, which each writes under a random permutation of the symbols."""

    drawn_from = MarkovLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"symbols": 4, "length": 20, "batch": 8},
        "paper": {"symbols": 7, "length": 400, "batch": 500},
    }


@dataclass
class CipherText(NextToken, CipherLaw):
    """English docstrings of Python's standard library under a random permutation of space and letters."""

    drawn_from = CipherLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"length": 20, "batch": 4},
        "paper": {"length": 512, "batch": 500},
    }


@dataclass
class ContextualBigramLanguage(NextToken, ContextualBigramLaw):
    """What follows a query, which says where in the sequence to look: a sparse contextual bigram."""

    drawn_from = ContextualBigramLaw
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"length": 9, "batch": 8},
        "paper": {"length": 1001, "batch": 2000},
    }
