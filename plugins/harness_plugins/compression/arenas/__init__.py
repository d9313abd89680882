"""The family's arena of structured linear maps: projected (`projection`), trained (`digits-mlp`), timed (`matmul`)."""

from __future__ import annotations

from harness.papers import Family
from harness_plugins.compression.arenas.digits_mlp import DigitsMlp
from harness_plugins.compression.arenas.linear_maps import BlockDiagonal, Dense, LowRank, MagnitudePruning
from harness_plugins.compression.arenas.matmul import Matmul
from harness_plugins.compression.arenas.projection import Projection

family = Family(
    title="Compression",
    tasks=[Projection, DigitsMlp, Matmul],
    baselines=[Dense, LowRank, BlockDiagonal, MagnitudePruning],
)
