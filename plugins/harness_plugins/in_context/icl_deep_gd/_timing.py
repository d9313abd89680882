"""How long a step of gradient descent takes, beside a training loop by torch's autograd."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from harness import Context, Task, metric, timing
from harness.operations import Operation
from harness_plugins.in_context.icl_deep_gd._models import ExactGradientDescent
from harness_plugins.in_context.icl_deep_gd._problem import NetworkTrainer, Training
from harness_plugins.in_context.icl_deep_gd._tasks import TrainNetwork, check


@dataclass(frozen=True)
class Timed:
    """What the clock said."""

    milliseconds: float
    """Of a step, the answers included."""
    ratio: float
    """Over a step of the autograd loop, turn by turn."""


@metric(unit="1", direction="lower", timing=True)
def autograd_ratio(instance: Training, outcome: Timed) -> float:
    """Time of a step over that of an autograd loop, timed in turns with it; 1 is as fast."""
    return outcome.ratio


@metric(unit="ms", direction="lower", timing=True)
def step_ms(instance: Training, outcome: Timed) -> float:
    """Median time of a step."""
    return outcome.milliseconds


@dataclass
class StepTime(Task[Training, NetworkTrainer, Timed]):
    """Time the training of a network, in turns with `ExactGradientDescent` in the same process."""

    layers: int = 3
    """Weight matrices N of the network."""
    d: int = 4
    """Inputs."""
    hidden: int = 8
    """Units of each hidden layer."""
    n: int = 40
    """Examples."""
    steps: int = 20
    """Steps of gradient descent in a call."""
    repeats: int = 20
    """Calls of each that are timed, within ten seconds."""

    protocol = NetworkTrainer
    metrics = (autograd_ratio, step_ms)
    timed = True
    operations: ClassVar[tuple[str, ...]] = ("train",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 2, "n": 8, "steps": 2, "repeats": 3},
        "paper": {"layers": 6, "d": 20, "hidden": 20, "n": 75},
    }

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ValueError(f"repeats must be at least 1, not {self.repeats}")
        self.network()

    def network(self) -> TrainNetwork:
        """The task whose problem is timed."""
        return TrainNetwork(self.layers, self.d, self.hidden, self.n, self.steps, delta=0.1, queries=1)

    def instance(self, context: Context) -> Training:
        """As `TrainNetwork` draws it."""
        return self.network().instance(context)

    def run(self, model: NetworkTrainer, instance: Training, context: Context) -> Timed:
        """Check what the model makes of the problem, then time it."""
        check(model.train(instance, context.anew()), instance)
        peer = ExactGradientDescent()
        calls = {
            "model": lambda: model.train(instance, context.anew()),
            "peer": lambda: peer.train(instance, context.anew()),
        }
        # load meets both alike and leaves the ratio, so every call counts
        settings = timing.Settings(clean_samples=self.repeats, undisturbed=inf, least_clean=1, seconds=10)
        found = timing.compare(calls, clock=context.backend.clock(), settings=settings, seed=context.seed)
        per_step = found["model"].seconds / instance.steps
        return Timed(1e3 * per_step, found["model"].over(found["peer"]).estimate)

    def operation(self, name: str, model: NetworkTrainer, instance: Training, context: Context) -> Operation:
        """As of `TrainNetwork`."""
        return self.network().operation(name, model, instance, context)
