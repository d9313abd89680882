"""Projection: how close a structured map of a given size comes to a given matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.context import Context
from harness.errors import InvalidOutcomeError
from harness.metrics import metric
from harness.operations import Operation
from harness.tasks import Task
from harness_plugins.compression.arenas.structured_linear import (
    Projects,
    StructuredLinear,
    count_params,
    params,
    share,
)
from harness_plugins.compression.arenas.transforms import Matrix, MatrixName, make_matrix

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ProjectionInstance:
    """A matrix to approximate."""

    matrix: Matrix
    """(n, n), float64 or complex128."""
    budget: int
    """The numbers a structured map may store."""
    probe: NDArray[np.float64]
    """(4, n): inputs on which the map's fast path must agree with its dense form."""


@dataclass(frozen=True)
class ProjectionOutcome:
    """What a projection gave."""

    dense: Matrix
    """(n, n): the matrix that the structured map stands for."""
    params: int
    """The numbers it stores."""
    seconds: float
    """The time the projection took."""


@metric(unit="1", direction="lower")
def relative_squared_error(instance: ProjectionInstance, outcome: ProjectionOutcome) -> float:
    """Squared Frobenius norm of what is missed, over that of the matrix: 0 is exact, 1 is no better than zero."""
    missed = np.linalg.norm(instance.matrix - outcome.dense) / np.linalg.norm(instance.matrix)
    return float(missed**2)


@metric(unit="s", direction="lower", timing=True)
def projection_seconds(instance: ProjectionInstance, outcome: ProjectionOutcome) -> float:
    """Wall-clock time of the projection."""
    return outcome.seconds


@dataclass
class Projection(Task[ProjectionInstance, Projects, ProjectionOutcome]):
    """Bring a matrix into a structured form of at most `density` x n^2 stored numbers, in float64 or complex128."""

    matrix: MatrixName = "dft-stride"
    """Which matrix: a transform, a convolution, noise, or one with a planted structure."""
    n: int = 256
    """Its size."""
    density: float = 0.125
    """Numbers that may be stored, as a share of the n^2 entries; sqrt(n) Monarch blocks take 2 / sqrt(n)."""
    rank: int = 16
    """Rank planted in the matrix `low-rank`."""
    noise: float = 0.1
    """Standard deviation of the noise on the matrix `low-rank`, whose signal has variance 1."""

    protocol: ClassVar[type] = Projects
    metrics: ClassVar = (relative_squared_error, params, projection_seconds)
    operations: ClassVar[tuple[str, ...]] = ("project",)
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"n": 16, "density": 0.5, "rank": 2},
        "paper": {"n": 4096, "density": 1 / 32},
    }

    def instance(self, context: Context) -> ProjectionInstance:
        """The matrix; only the random ones depend on the seed.

        Raises:
            ValueError: there is no such matrix of this size, or the density is not in (0, 1].
        """
        budget = share(self.density, self.n, self.n)
        matrix = make_matrix(self.matrix, self.n, self.rank, self.noise, context.rng)
        return ProjectionInstance(matrix, budget, context.rng.standard_normal((4, self.n)))

    def run(self, model: Projects, instance: ProjectionInstance, context: Context) -> ProjectionOutcome:
        """Project, and check that the map is what it says it is.

        Raises:
            InvalidOutcomeError: over budget, of another shape or dtype, not finite, or its fast path is another map.
        """
        matrix = _on_device(instance, context)
        generator = context.torch_generator()
        with context.phase("project"):
            structured = model.project(matrix, instance.budget, generator)
        dense = _legal(structured, matrix, instance)
        return ProjectionOutcome(dense.cpu().numpy(), count_params(structured), context.seconds["project"])

    def operation(self, name: str, model: Projects, instance: ProjectionInstance, context: Context) -> Operation:
        """The projection, from the same random numbers each time; legal as for `run`, if the matrix is not changed."""
        matrix = _on_device(instance, context)

        def project() -> StructuredLinear:
            return model.project(matrix, instance.budget, context.torch_generator())

        def check(structured: StructuredLinear) -> None:
            if not matrix.equal(_on_device(instance, context)):
                raise InvalidOutcomeError("project() changes the matrix it is given, and so cannot be repeated")
            _legal(structured, matrix, instance)

        return Operation(project, check)


def _on_device(instance: ProjectionInstance, context: Context) -> Tensor:
    """The matrix in torch's own memory, which is always aligned alike."""
    import torch

    return torch.tensor(instance.matrix, device=context.backend.device)


def _legal(structured: StructuredLinear, matrix: Tensor, instance: ProjectionInstance) -> Tensor:
    """The matrix (n, n) that the map stands for, if the map is what it says it is."""
    import torch

    with torch.no_grad():
        dense = structured.dense()
        _require_legal(structured, dense, matrix, instance)
    return dense


def _require_legal(structured: StructuredLinear, dense: Tensor, matrix: Tensor, instance: ProjectionInstance) -> None:
    import torch

    if dense.shape != matrix.shape or dense.dtype != matrix.dtype:
        found, wanted = (f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in (dense, matrix))
        raise InvalidOutcomeError(f"dense() is {found}, the matrix was {wanted}")
    if not dense.isfinite().all():
        raise InvalidOutcomeError("dense() has entries that are not finite")
    if (stored := count_params(structured)) > instance.budget:
        raise InvalidOutcomeError(f"{stored} numbers are stored, the budget is {instance.budget}")
    probe = torch.tensor(instance.probe).to(matrix)  # (4, n)
    expected = probe @ dense.mT
    if (structured(probe) - expected).norm() > 1e-9 * probe.norm() * dense.norm():
        raise InvalidOutcomeError("the map applied to vectors differs from its dense()")
