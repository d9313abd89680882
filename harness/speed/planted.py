"""An operation with a known cost, to see what this machine lets a gate see."""

from __future__ import annotations

from harness.backends import Backend, Cpu
from harness.operations import Operation

_STEPS = 200
_SIZE = 16


def workload(extra: float = 0.0) -> tuple[Operation, Backend]:
    """Some 0.4 ms of small matrix products, and so many more of them: `extra` is a share, good to half a per cent."""
    import numpy as np

    matrix = np.random.default_rng(0).standard_normal((_SIZE, _SIZE)) / _SIZE
    steps = round(_STEPS * (1 + extra))

    def call() -> float:
        product = matrix
        for _ in range(steps):
            product = product @ matrix
        return float(product[0, 0])

    return Operation(call), Cpu()
