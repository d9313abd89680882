"""What models know that are told the planted language, but not the keys under which sequences write it."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness_plugins.in_context.arenas.languages.planted import Bigram, PlantedLaw


@dataclass
class Told:
    """Knows the language p of a task as a Markov chain."""

    _bigram: Bigram | None = field(default=None, init=False, repr=False)

    def inform(self, law: PlantedLaw) -> None:
        """Learn the language.

        Raises:
            TypeError: the law plants none.
        """
        if not isinstance(law, PlantedLaw):
            raise TypeError(f"{type(self).__name__} needs a planted language; {type(law).__name__} has none")
        self._bigram = law.bigram()

    def known(self, vocabulary: int) -> Bigram:
        """The language.

        Raises:
            ValueError: it was not told, or is one of another vocabulary.
        """
        if self._bigram is None:
            raise ValueError(f"{type(self).__name__} was told no language: call inform first")
        if len(self._bigram.initial) != vocabulary:
            raise ValueError(f"the language has {len(self._bigram.initial)} symbols, the sequences {vocabulary}")
        return self._bigram
