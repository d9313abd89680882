"""The task of this paper alone: train a network on a prompt, as gradient descent would."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from harness import Along, Context, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.laws.networks import NetworkLaw
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._problem import Descent, NetworkTrainer, Trained, Training, initial_weights
from harness_plugins.in_context.icl_deep_gd._sums import Activation, ActivationName


@metric(unit="1", direction="lower")
def mse_query(instance: Training, outcome: Trained) -> float:
    """Mean squared error at the queries."""
    return float(np.mean((outcome.predictions - instance.answers) ** 2))


@metric(unit="1", direction="lower")
def param_gap(instance: Training, outcome: Trained) -> float | None:
    """Distance of the weights to those of exact gradient descent, after all steps."""
    return None if outcome.trajectory is None else _norm(outcome.trajectory[-1] - instance.trajectory[-1])


@metric(unit="1", direction="lower")
def relative_param_gap(instance: Training, outcome: Trained) -> float | None:
    """The same over how far exact gradient descent went."""
    if outcome.trajectory is None:
        return None
    return _norm(outcome.trajectory[-1] - instance.trajectory[-1]) / _norm(instance.trajectory[-1] - instance.start)


@metric(unit="1", direction="lower")
def gap_curve(instance: Training, outcome: Trained) -> Along | None:
    """Distance of the weights to those of exact gradient descent after each step."""
    if outcome.trajectory is None:
        return None
    return Along(np.linalg.norm(outcome.trajectory - instance.trajectory, axis=1), step=range(instance.steps + 1))


@metric(unit="1", direction="lower")
def step_error(instance: Training, outcome: Trained) -> float | None:
    """Largest error of a step, |w_(l+1) - GD(w_l)| over the learning rate: what the paper's eps bounds."""
    return None if outcome.trajectory is None else float(_step_errors(instance, outcome.trajectory).max())


@metric(unit="1", direction="lower")
def share_of_bound(instance: Training, outcome: Trained) -> Along | None:
    """The gap after each step over its bound (1 + eta L)^l eps / L, L the curvature and a tenth (Corollary).

    None of what makes no error.
    """
    if outcome.trajectory is None or instance.curvature is None:
        return None
    L = 1.1 * instance.curvature
    eps = _step_errors(instance, outcome.trajectory).max()
    if not eps:
        return None
    steps = np.arange(1, instance.steps + 1)
    bounds = (1 + instance.descent.learning_rate * L) ** steps * eps / L
    gaps = np.linalg.norm(outcome.trajectory - instance.trajectory, axis=1)[1:]
    return Along(gaps / bounds, step=steps)


@metric(unit="1", direction="higher")
def distance_moved(instance: Training, outcome: Trained) -> float:
    """How far exact gradient descent goes: a network whose units are all dead would be matched by anything."""
    return _norm(instance.trajectory[-1] - instance.start)


@metric(unit="1", direction="lower")
def spread(instance: Training, outcome: Trained) -> float | None:
    """Largest difference between two tokens' copies of a weight."""
    return outcome.spread


@metric(unit="layers", direction="lower")
def layers_per_step(instance: Training, outcome: Trained) -> float | None:
    """Layers that a step of gradient descent takes."""
    return None if outcome.layers is None else outcome.layers / instance.steps


@metric(unit="heads", direction="lower")
def heads_per_step(instance: Training, outcome: Trained) -> float | None:
    """Attention heads that a step of gradient descent takes."""
    return None if outcome.heads is None else float(outcome.heads)


@dataclass
class TrainNetwork(Task[Training, NetworkTrainer, Trained]):
    """Train an N-layer network on a prompt by projected gradient descent, from a start that all models share.

    The examples come from a random network of the same shape, of unit variance; the start is drawn as it was, V_j ~
    N(0, 2 / d_(j-1)). The loss is the mean of |f(w, x_i) - y_i|^2 / 2, the output linear.
    """

    layers: int = 2
    """Weight matrices N of the network."""
    d: int = 4
    """Inputs."""
    hidden: int = 5
    """Units of each hidden layer."""
    n: int = 10
    """Examples."""
    steps: int = 10
    """Steps of gradient descent."""
    learning_rate: float = 0.05
    """Step size eta."""
    box: float = 5.0
    """Bound on each weight, which every step projects to."""
    activation: ActivationName = "smooth-relu"
    """Of the hidden layers."""
    delta: float = 0.5
    """Width over which the slope of the ReLU rises."""
    leak: float = 0.1
    """Slope of the ReLU below zero."""
    queries: int = 200
    """Inputs to answer afterwards."""
    curvature: bool = False
    """Whether the curvature of the loss is worked out, which `share-of-bound` needs."""

    protocol = NetworkTrainer
    metrics = (
        mse_query,
        param_gap,
        relative_param_gap,
        gap_curve,
        step_error,
        share_of_bound,
        distance_moved,
        spread,
        layers_per_step,
        heads_per_step,
    )
    operations: ClassVar[tuple[str, ...]] = ("train",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n": 8, "steps": 2, "queries": 5},
        "paper": {"layers": 6, "d": 20, "hidden": 20, "n": 75, "steps": 200},
    }

    def __post_init__(self) -> None:
        if self.steps < 1 or self.queries < 1:
            raise ValueError(f"steps and queries must be at least 1, not {self.steps} and {self.queries}")
        self.law()
        self.descent()

    def law(self) -> NetworkLaw:
        """The teacher's."""
        return NetworkLaw(self.d, self.n + self.queries - 1, 0.0, self.layers, self.hidden, self.leak)

    def descent(self) -> Descent:
        """The algorithm that is to be matched."""
        return Descent(Activation(self.activation, self.delta, self.leak), self.learning_rate, self.box)

    def instance(self, context: Context) -> Training:
        """Draw the teacher and the start, and run gradient descent."""
        X, _, targets = (array[0] for array in self.law().draw(context.rng, 1))
        widths = (self.d, *[self.hidden] * (self.layers - 1), 1)
        w = initial_weights(widths, context.rng)
        problem = Training(
            X=X[: self.n],
            Y=targets[: self.n],
            queries=X[self.n :],
            answers=targets[self.n :],
            widths=widths,
            start=w,
            descent=self.descent(),
            steps=self.steps,
            trajectory=w[None],
            curvature=None,
        )
        return _solved(problem, self.curvature)

    def run(self, model: NetworkTrainer, instance: Training, context: Context) -> Trained:
        """Let the model train."""
        with context.phase("train"):
            outcome = model.train(instance, context)
        check(outcome, instance)
        return outcome

    def operation(self, name: str, model: NetworkTrainer, instance: Training, context: Context) -> Operation:
        """All steps of the training, and the answers."""
        return Operation(
            lambda: model.train(instance, context.anew()),
            lambda outcome: check(outcome, instance),
            items=instance.steps,
            item="step",
        )


def _solved(problem: Training, curved: bool) -> Training:
    """The problem with what gradient descent makes of it, and the curvature on its path if that is asked for."""
    import torch

    from harness_plugins.in_context.icl_deep_gd._reference import curvature, trajectory

    layout, descent = Layout(problem.widths), problem.descent
    X, Y, w = (torch.from_numpy(array) for array in (problem.X, problem.Y[:, None], problem.start))
    path = trajectory(layout, descent, w[None], X[None], Y[None], problem.steps)[:, 0]
    largest = curvature(layout, descent.activation, path, X, Y) if curved else None
    return replace(problem, trajectory=path.numpy(), curvature=largest)


def _step_errors(problem: Training, trajectory: FloatArray) -> FloatArray:
    """|w_(l+1) - GD(w_l)| / eta of every step, (steps,)."""
    import torch

    from harness_plugins.in_context.icl_deep_gd._reference import step

    before = torch.from_numpy(trajectory[:-1])
    X, Y = (torch.from_numpy(array).expand(len(before), -1, -1) for array in (problem.X, problem.Y[:, None]))
    exact = step(Layout(problem.widths), problem.descent, before, X, Y).numpy()
    errors: FloatArray = np.linalg.norm(trajectory[1:] - exact, axis=1) / problem.descent.learning_rate
    return errors


def check(outcome: Trained, problem: Training) -> None:
    """Raise an InvalidOutcomeError unless predictions and weights are finite and of the right shape."""
    check_array(outcome.predictions, "predictions", "(B,)", problem.answers.shape)
    if outcome.trajectory is not None:
        check_array(outcome.trajectory, "weights", "(steps + 1, W)", problem.trajectory.shape)


def _norm(values: FloatArray) -> float:
    return float(np.linalg.norm(values))
