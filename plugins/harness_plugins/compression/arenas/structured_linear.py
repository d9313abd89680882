"""What a structured linear map is: the protocols and the accounting that the arena's three tasks share.

A structured map stands for a matrix of n_out x n_in numbers but stores fewer. The budget counts stored numbers, for
every method alike: each parameter of the module is one, a complex number too. Positions (the support of a pruned
matrix) are not counted, which favours pruning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from harness.context import Context
from harness.metrics import metric

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


class StructuredLinear(Protocol):
    """A linear map in a structured form: a `torch.nn.Module` whose parameters are all the numbers it stores."""

    def __call__(self, x: Tensor) -> Tensor:
        """The product x W^T, by the map's own fast path: (..., n_in) -> (..., n_out)."""

    def dense(self) -> Tensor:
        """The matrix W that it stands for, (n_out, n_in)."""

    def parameters(self) -> Iterator[Tensor]:
        """What it stores."""


class Projects(Protocol):
    """Brings a given matrix into a structured form."""

    def project(self, matrix: Tensor, budget: int, generator: torch.Generator) -> StructuredLinear:
        """A structured map close to `matrix`, (n_out, n_in), real or complex, that stores at most `budget` numbers."""


class BuildsLinear(Protocol):
    """Builds a structured linear map to be trained from scratch."""

    def build_linear(self, n_in: int, n_out: int, budget: int, generator: torch.Generator) -> nn.Module:
        """A map (..., n_in) -> (..., n_out) without bias, that stores at most `budget` numbers.

        Initialised from `generator`, on the CPU in float32, so that inputs of unit variance give outputs of variance 2
        (what a ReLU network needs: He et al. 2015). A dense map stores n_in * n_out numbers whatever the budget.
        """


@runtime_checkable
class Converts(BuildsLinear, Protocol):
    """Builds a linear map that takes another form in the course of training: pruned, projected, multiplied out."""

    convert_at: float
    """The share of the training steps after which `convert` is called, between 0 and 1."""

    def convert(self, layer: nn.Module, budget: int, generator: torch.Generator) -> nn.Module:
        """The map that training goes on with, made of the `layer` that `build_linear` gave."""


class _CountsParameters(Protocol):
    params: int


@metric(unit="numbers", direction="lower")
def params(instance: Any, outcome: _CountsParameters) -> float:
    """Numbers stored by the structured maps (biases and maps that all models share left out)."""
    return float(outcome.params)


def count_params(module: Any) -> int:
    """The numbers that a module stores in its parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def share(density: float, n_in: int, n_out: int) -> int:
    """The budget that a share `density` of an n_out x n_in matrix amounts to.

    Raises:
        ValueError: the density is not in (0, 1].
    """
    if not 0 < density <= 1:
        raise ValueError(f"density must be in (0, 1], not {density}")
    return int(density * n_in * n_out)


def place(context: Context) -> dict[str, Any]:
    """The backend's device and dtype, as torch's `to` and `tensor` take them."""
    return {"device": context.backend.device, "dtype": context.backend.torch_dtype()}


def require_matrix(matrix: Tensor) -> None:
    """Check that there is something to project.

    Raises:
        ValueError: not a matrix, empty, neither real nor complex floating point, or not finite.
    """
    if matrix.ndim != 2 or matrix.numel() == 0:
        raise ValueError(f"expected a matrix (n_out, n_in) with entries, got shape {tuple(matrix.shape)}")
    if not (matrix.is_floating_point() or matrix.is_complex()):
        raise ValueError(f"expected floating-point or complex entries, got {matrix.dtype}")
    if not matrix.isfinite().all():
        raise ValueError("the matrix has entries that are not finite")


def require_width(x: Tensor, n_in: int) -> None:
    """Check that a map of `n_in` inputs can be applied to `x`.

    Raises:
        ValueError: the last dimension of x is another.
    """
    if x.ndim == 0 or x.shape[-1] != n_in:
        raise ValueError(f"expected inputs of shape (..., {n_in}), got {tuple(x.shape)}")


def affordable_rank(n_in: int, n_out: int, budget: int) -> int:
    """The largest rank whose two factors, rank x n_in and n_out x rank, fit the budget.

    Raises:
        ValueError: a size is not positive, or not even rank one fits.
    """
    if n_in < 1 or n_out < 1:
        raise ValueError(f"sizes must be positive, got {n_in} inputs and {n_out} outputs")
    if budget < n_in + n_out:
        raise ValueError(f"rank 1 takes {n_in + n_out} numbers at {n_in} x {n_out}, but the budget is {budget}")
    return min(budget // (n_in + n_out), n_in, n_out)
