"""A yardstick: a kernel that never changes, timed beside everything.

What an operation takes in units of it lets histories from different machines be read in one picture. Machines are never
judged against each other by it: none is twice as fast as another at everything.
"""

from __future__ import annotations

from harness.backends import Backend, Cpu
from harness.operations import Operation

_ROUNDS = 4_000
_SIZE = 64
_COPIED = 1 << 17


def kernel() -> tuple[Operation, Backend]:
    """A third of a millisecond or so of the interpreter, of arithmetic and of memory, in like parts, on the host."""
    import numpy as np

    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((_SIZE, _SIZE)).astype(np.float32)
    source = rng.standard_normal(_COPIED)
    target = np.empty_like(source)

    def call() -> float:
        total = 0
        for number in range(_ROUNDS):
            total += number & 7
        np.copyto(target, source)
        product = matrix
        for _ in range(4):
            product = np.tanh(product @ matrix)
        return total + float(product[0, 0])

    return Operation(call), Cpu()
