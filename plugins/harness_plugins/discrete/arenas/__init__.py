"""Where the exact and provably approximate discrete algorithms meet."""

from __future__ import annotations

from harness import Family
from harness_plugins.discrete.arenas.matchers import BitplanePopcount, FftPerLetter, Kangaroo, Karloff, NaiveNumpy
from harness_plugins.discrete.arenas.text_pattern_distance import (
    ApproximateHammingDistances,
    BoundedHammingDistances,
    HammingDistances,
)

family = Family(
    title="Exact and provably approximate discrete algorithms",
    tasks=[HammingDistances, BoundedHammingDistances, ApproximateHammingDistances],
    baselines=[NaiveNumpy, FftPerLetter, BitplanePopcount, Karloff, Kangaroo],
)
