"""Tasks: problems that models compete on, and the protocols by which they drive them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

from harness.context import Context
from harness.metrics import Metric
from harness.operations import Operation

InstanceT = TypeVar("InstanceT")
ModelT = TypeVar("ModelT")
OutcomeT = TypeVar("OutcomeT")


class Task(ABC, Generic[InstanceT, ModelT, OutcomeT]):
    """A problem: makes instances, drives one model through one instance, names what is measured.

    A subclass is a dataclass whose fields are the problem's parameters; their defaults are the `claim` scale. Whatever
    the shape of the problem (one call, fit and predict, an interaction over time, a solver with a trajectory, a
    transformer of another model), the task owns the loop and the model implements the task's protocol.
    """

    protocol: ClassVar[type]
    """A `typing.Protocol`: what a model must implement. Checked by name before anything runs."""
    metrics: ClassVar[tuple[Metric, ...]]
    """What is measured; the first, a number (not a curve), ranks the models."""
    scales: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Other values of the parameters for the scales `smoke` and `paper`. Models may declare the same."""
    timed: ClassVar[bool] = False
    """Whether a metric is a speed: such cases run alone on the machine, one after the other."""
    operations: ClassVar[tuple[str, ...]] = ()
    """Names of what can be timed by itself, such as `forward`: what `harness speed` measures."""

    @abstractmethod
    def instance(self, context: Context) -> InstanceT:
        """One problem, drawn with `context.rng`: the same for every model of a comparison. Must not be mutated."""

    @abstractmethod
    def run(self, model: ModelT, instance: InstanceT, context: Context) -> OutcomeT:
        """Drive `model` through `instance` and return what the metrics read. `context.rng` is the model's own.

        Raises:
            InvalidOutcomeError: the model's answer is not a legal one.
        """

    def operation(self, name: str, model: ModelT, instance: InstanceT, context: Context) -> Operation:
        """One of `operations`, ready to be called again and again, with everything built that is not to be timed.

        It has not been called yet: its first call is timed too. `context.rng` is the model's own.
        """
        raise NotImplementedError(f"{type(self).__name__} does not make its operation {name!r}")
