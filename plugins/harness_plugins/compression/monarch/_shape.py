"""The sizes of a Monarch matrix, and how a budget is turned into them."""

from __future__ import annotations

from dataclasses import dataclass

from harness_plugins.compression.arenas.structured_linear import affordable_rank


@dataclass(frozen=True)
class MonarchShape:
    """b blocks in each factor of an n_out x n_in matrix whose slices have rank r."""

    n_in: int
    n_out: int
    blocks: int
    """b."""
    rank: int
    """r, the rank of each of the b^2 slices; the hidden width is b^2 r."""

    def __post_init__(self) -> None:
        if min(self.n_in, self.n_out, self.blocks, self.rank) < 1:
            raise ValueError(f"sizes, blocks and rank must be positive: {self}")
        if self.blocks > min(self.n_in, self.n_out):
            raise ValueError(f"{self.blocks} blocks are more than the rows or columns of {self.n_out} x {self.n_in}")

    @property
    def columns(self) -> int:
        """Inputs of each block of R: n_in / b, rounded up."""
        return -(-self.n_in // self.blocks)

    @property
    def rows(self) -> int:
        """Outputs of each block of L: n_out / b, rounded up."""
        return -(-self.n_out // self.blocks)

    @property
    def hidden(self) -> int:
        """Outputs of each block of R, and inputs of each block of L: b r."""
        return self.blocks * self.rank

    @property
    def params(self) -> int:
        """Numbers in both factors."""
        return self.blocks * self.hidden * (self.rows + self.columns)

    @classmethod
    def within(cls, n_in: int, n_out: int, budget: int, blocks: int | None = None) -> MonarchShape:
        """The shape that makes the most of a budget of stored numbers, with that many blocks or the best number.

        A Monarch matrix stores as much as a matrix of rank b r, so the budget fixes b r. A hidden width b^2 r equal to
        the smaller side then asks for b = min(n_in, n_out) / (b r) blocks. Up to there, the most blocks are taken among
        those that use the budget best.

        Raises:
            ValueError: a size is not positive, or the budget is below rank 1.
        """
        affordable = affordable_rank(n_in, n_out, budget)
        if blocks is not None:
            return cls(n_in, n_out, blocks, cls._rank(n_in, n_out, budget, blocks))
        most = max(1, min(min(n_in, n_out) // affordable, affordable))
        # one block without padding always fits, so that the best candidate has a rank of at least 1
        best = max(range(1, most + 1), key=lambda b: (b * cls._rank(n_in, n_out, budget, b, least=0), b))
        return cls(n_in, n_out, best, cls._rank(n_in, n_out, budget, best))

    @classmethod
    def _rank(cls, n_in: int, n_out: int, budget: int, blocks: int, least: int = 1) -> int:
        """The largest rank of the slices that fits the budget, or their full rank."""
        unit = cls(n_in, n_out, blocks, rank=1)
        rank = min(budget // unit.params, unit.rows, unit.columns)
        if rank < least:
            raise ValueError(f"{blocks} blocks take at least {unit.params} numbers, but the budget is {budget}")
        return rank
