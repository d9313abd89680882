"""How long to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What one process does for each operation. The defaults suit operations of a microsecond to a second."""

    clean_samples: int = 100
    """Enough of them."""
    samples: int = 1000
    """At most."""
    seconds: float = 3.0
    """At most, for the blocks of one operation."""
    block: int = 5
    """Samples in a turn, beside the first, which finds caches as somebody else left them and does not count.

    Few: what slows a machine down for a tenth of a second then falls on all competitors alike.
    """
    shortest: float = 2e-4
    """Seconds that a sample lasts at least: shorter calls are repeated inside of it."""
    warm_up_seconds: float = 0.3
    """The warm-up ends after this time ..."""
    warm_up_calls: int = 10
    """... or so many calls, whichever comes first."""
    undisturbed: float = 1.05
    """A sample is clean if its wall-clock time is below this multiple of its CPU time."""
    least_clean: int = 5
    """A process with fewer clean samples is noisy: it says nothing."""
    least_clean_fraction: float = 0.2
    """The same, as a share of all its samples."""
