"""A table of results as arrays: each text is a whole number, so that grouping is arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.results import Status

if TYPE_CHECKING:
    import pyarrow as pa

PLACE = ("task_label", "scale", "backend_label")
"""The columns that say where a value was measured."""
_TEXTS = (*PLACE, "model_label", "run", "role", "case", "status", "metric", "unit", "direction")
USED = (*_TEXTS, "seed", "value", "coordinates")
"""All columns that are read."""
_NOT_FAILED = (Status.OK, Status.SKIPPED)


class Columns:
    """The columns that a comparison needs. `codes[name][row]` is the position in `texts[name]`, -1 for none."""

    def __init__(self, table: pa.Table) -> None:
        encoded = {name: table.column(name).combine_chunks().dictionary_encode() for name in _TEXTS}
        self.texts: dict[str, list[str]] = {name: one.dictionary.to_pylist() for name, one in encoded.items()}
        self.codes = {name: one.indices.fill_null(-1).to_numpy() for name, one in encoded.items()}
        self.seed: np.ndarray = table.column("seed").to_numpy()
        self.value: np.ndarray = table.column("value").to_numpy()
        self.along: np.ndarray = table.column("coordinates").is_valid().to_numpy()
        """Whether a row is a point of a curve."""
        self.failed = ~self._are("status", *_NOT_FAILED)
        self.usable = self._are("status", Status.OK) & ~self.along & np.isfinite(self.value)
        """Whether a row has a number to compare."""

    def text(self, name: str, row: int) -> str:
        """What a column says in a row."""
        found: str = self.texts[name][self.codes[name][row]]
        return found

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that have a number to compare."""
        return self._metrics(self.usable)

    @property
    def curves(self) -> tuple[str, ...]:
        """The metrics whose values stand along coordinates."""
        return self._metrics(self.along)

    def groups(self, *names: str) -> list[np.ndarray]:
        """The rows that agree in the columns, in the order in which groups appear."""
        combined = np.zeros(len(self.seed), np.int64)
        for name in names:
            combined = combined * (len(self.texts[name]) + 1) + self.codes[name]
        _, first, group, counts = np.unique(combined, return_index=True, return_inverse=True, return_counts=True)
        parts = np.split(np.argsort(group, kind="stable"), np.cumsum(counts)[:-1])
        return [parts[index] for index in np.argsort(first)]

    def _metrics(self, rows: np.ndarray) -> tuple[str, ...]:
        return tuple(self.texts["metric"][code] for code in np.unique(self.codes["metric"][rows]))

    def _are(self, name: str, *texts: str) -> np.ndarray:
        return np.isin(self.codes[name], [code for code, text in enumerate(self.texts[name]) if text in texts])
