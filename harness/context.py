"""What the harness hands to a task and, through it, to a model: randomness, the backend, phases, shared parts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from harness.backends import Backend, Cpu

if TYPE_CHECKING:
    import numpy as np
    import torch


class PartCache(Protocol):
    """Where expensive parts are kept between cases."""

    def get(self, make: Callable[..., Mapping[str, Any]], parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`make(**parameters)`, made at most once."""


class Context:
    """The surroundings of one instance or one model. `Context(seed)` is a full one, for tests and notebooks."""

    def __init__(self, seed: int = 0, backend: Backend | None = None, cache: PartCache | None = None) -> None:
        self.seed = seed
        """From which all randomness here comes: derived by the harness, apart for the instance and the model."""
        self.backend = backend or Cpu()
        """Device, dtype, threads."""
        self.seconds: dict[str, float] = {}
        """Wall-clock seconds spent in each phase so far."""
        self._cache = cache

    def anew(self) -> Context:
        """The same surroundings with the randomness at its beginning, and no phase timed yet."""
        return Context(self.seed, self.backend, self._cache)

    @cached_property
    def rng(self) -> np.random.Generator:
        """NumPy's generator for this context; its state moves on with use."""
        import numpy as np

        return np.random.default_rng(self.seed)

    def torch_generator(self) -> torch.Generator:
        """A fresh generator on the CPU, seeded for this context (draw there, move later: the same bits anywhere)."""
        import torch

        return torch.Generator().manual_seed(self.seed)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a named part of the work (`fit`, `predict` ...), the device's queue included; repeats add up."""
        self.backend.synchronize()
        start = time.perf_counter()
        try:
            yield
        finally:
            self.backend.synchronize()
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def cached(self, make: Callable[..., Mapping[str, Any]], **parameters: Any) -> dict[str, Any]:
        """An expensive part (a trained teacher, a large instance), made once and shared by all cases that ask for it.

        Args:
            make: a module-level function; called as `make(**parameters)`, it returns named arrays, tensors or numbers.
                It is made anew when its source, anything it imports inside its distribution, or a version changes.
            parameters: plain values that determine the part, the seed among them, or dataclasses of such; the source of
                their classes counts too.

        Returns:
            The parts by name: NumPy arrays (zero-dimensional for numbers), the same bits whether made or read.
        """
        if self._cache is not None:
            return self._cache.get(make, parameters)
        return {name: as_array(part) for name, part in make(**parameters).items()}


def as_array(part: Any) -> np.ndarray:
    """An array, a tensor or a number as an array of plain values.

    Raises:
        TypeError: it is something else.
    """
    import numpy as np

    if hasattr(part, "detach"):
        part = part.detach().cpu().numpy()
    array = np.asarray(part)
    if array.dtype.hasobject:
        raise TypeError(f"a cached part is made of arrays and numbers, not of {type(part).__name__}")
    return array
