"""The task: when does the error on each family leave its plateau while a network is being trained?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from harness import Along, Context, InvalidOutcomeError, Task, check_array, metric
from harness.operations import Operation
from harness_plugins.in_context.arenas.laws.law import Drawn, Law
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.task_diversity_plateau._course import Course, FamilyName

ESCAPED_BELOW = 0.8
"""Share of its plateau under which an error has left it."""


class TrainingSchedule(Protocol):
    """Decides what a network is trained on, and when; all see the same families for as many steps."""

    def train(self, course: Course, context: Context) -> FloatArray:
        """Train, and predict at every look: (L, F, P), for the query of each of a family's P test prompts.

        The prediction for a family comes from the network that is to learn it.
        """

    def train_step(self, course: Course) -> tuple[Callable[[], FloatArray], int]:
        """One step of all its networks, to be repeated: the loss of each, (networks,); and the prompts of a step."""


@dataclass(frozen=True)
class Exam:
    """A course, what is right at its test prompts, and how well that can be known with and without learning."""

    course: Course
    targets: FloatArray
    """Labels of the queries, (F, P)."""
    plateaus: FloatArray
    """Error of the best prediction that ignores how labels hang on inputs, (F,)."""
    bounds: FloatArray
    """Error of the posterior mean of a family that is known, (F,); NaN where it has no closed form."""


@metric(unit="steps", direction="lower")
def mean_plateau_steps(instance: Exam, outcome: FloatArray) -> float:
    """Mean of `plateau-steps` over the families."""
    return float(np.mean(escapes(instance, outcome)[0]))


@metric(unit="steps", direction="lower")
def plateau_steps(instance: Exam, outcome: FloatArray) -> Along:
    """Steps until a family's error is below 0.8 of its plateau at a look; the whole budget if it never is.

    The budget is then a lower bound (`escaped` says so) that no other value exceeds: a median over seeds is right, and
    of a schedule that escaped and one that did not, the ratio says no more than that they differ at least so much.
    """
    return Along(escapes(instance, outcome)[0], family=instance.course.families)


@metric(unit="1", direction="higher")
def escaped(instance: Exam, outcome: FloatArray) -> Along:
    """Whether a family's error leaves its plateau within the budget: 1 or 0."""
    return Along(escapes(instance, outcome)[1], family=instance.course.families)


@metric(unit="1", direction="lower")
def error_curve(instance: Exam, outcome: FloatArray) -> Along:
    """Mean squared error at the query of each family, at every look."""
    looks = [int(step) for step in instance.course.looks()]
    families = [family for family in instance.course.families for _ in looks]
    return Along(outcome.T.ravel(), family=families, step=looks * len(instance.course.families))


@metric(unit="1", direction="lower")
def final_error(instance: Exam, outcome: FloatArray) -> Along:
    """Mean squared error at the query of each family, at the last look."""
    return Along(outcome[-1], family=instance.course.families)


@metric(unit="1", direction="lower")
def excess_error(instance: Exam, outcome: FloatArray) -> Along | None:
    """What the last error is above that of the posterior mean, for families of which that is known."""
    known = np.isfinite(instance.bounds)
    if not known.any():
        return None
    families = [family for family, is_known in zip(instance.course.families, known, strict=True) if is_known]
    return Along((outcome[-1] - instance.bounds)[known], family=families)


def escapes(exam: Exam, errors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Of errors (L, F): the steps after which each family is off its plateau (F,), and whether it ever is (F,)."""
    off = errors < ESCAPED_BELOW * exam.plateaus
    ever = off.any(axis=0)
    looks = np.array(exam.course.looks())
    return np.where(ever, looks[off.argmax(axis=0)], exam.course.steps).astype(float), ever.astype(float)


@dataclass
class IclPlateau(Task[Exam, TrainingSchedule, FloatArray]):
    """Learn families of functions in context within a budget of steps; the outcome is the error at each look."""

    families: tuple[FamilyName, ...] = ("linear", "sparse-linear", "quadratic")
    """What is to be learnt, the easier families first."""
    d: int = 4
    """Features of an input."""
    n: int = 16
    """Labelled examples in a prompt; one query follows them."""
    few: int = 2
    """Non-zero weights of a sparse function; bits that matter to a Boolean one."""
    batch: int = 8
    """Prompts of each family in a step."""
    steps: int = 2000
    """Gradient steps."""
    every: int = 50
    """Steps between two looks at the error."""
    prompts: int = 256
    """Test prompts of each family."""

    protocol = TrainingSchedule
    metrics = (mean_plateau_steps, plateau_steps, escaped, error_curve, final_error, excess_error)
    operations: ClassVar[tuple[str, ...]] = ("train-step",)
    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"d": 3, "n": 4, "batch": 4, "steps": 8, "every": 4, "prompts": 16},
        "paper": {"d": 10, "n": 120, "batch": 64, "steps": 1_000_000, "every": 1000, "prompts": 1000},
    }

    def __post_init__(self) -> None:
        self.course(0)  # says what is wrong with its parameters

    def course(self, seed: int) -> Course:
        """The course whose test prompts are drawn from that seed."""
        sizes = (self.d, self.n, self.few, self.batch, self.steps, self.every, self.prompts)
        return Course(tuple(self.families), *sizes, seed)

    def instance(self, context: Context) -> Exam:
        """Draw the test prompts, and work out the errors between which learning happens."""
        course = self.course(int(context.rng.integers(2**62)))
        tests, laws = course.tests(), course.laws()
        return Exam(
            course,
            np.stack([drawn.targets[:, -1] for drawn in tests]),
            np.array([plateau(one, drawn) for one, drawn in zip(laws, tests, strict=True)]),
            np.array([bound(one, drawn) for one, drawn in zip(laws, tests, strict=True)]),
        )

    def run(self, model: TrainingSchedule, instance: Exam, context: Context) -> FloatArray:
        """Train; the mean squared error at the query for each look and family, (L, F)."""
        with context.phase("train"):
            predictions = model.train(instance.course, context)
        check_array(predictions, "predictions", "(L, F, P)", (len(instance.course.looks()), *instance.targets.shape))
        errors: FloatArray = np.mean((predictions - instance.targets) ** 2, axis=-1)
        return errors

    def operation(self, name: str, model: TrainingSchedule, instance: Exam, context: Context) -> Operation:
        """A step on the first batches, at rate 0: nothing of the arithmetic is saved, and the weights stay."""
        step, prompts = model.train_step(instance.course)

        def check(losses: FloatArray) -> None:
            if not np.isfinite(losses).all():
                raise InvalidOutcomeError(f"the losses are {losses}")

        return Operation(step, check, items=prompts, item="prompt")


def bound(law: Law, drawn: Drawn) -> float:
    """Mean squared error of the posterior mean at the query; NaN where it has no closed form."""
    try:
        answers = law.posterior_mean(drawn.X, drawn.Y)[:, -1]
    except ValueError:  # a sign of a linear function
        return float("nan")
    return float(np.mean((answers - drawn.targets[:, -1]) ** 2))


def plateau(law: Law, drawn: Drawn) -> float:
    """Least squared error of a prediction of the query that never looks which input has which label.

    Such a prediction is affine in the mean of the labels (all that linear functions of squares need to be known to a
    third) and in what is expected of the query before any example (of a parity: the mean of the parities that there
    are; the function that the paper finds networks to compute on their plateau). It is fitted to the very prompts that
    are looked at, so that chance is the same on both sides.
    """
    targets = drawn.targets[:, -1]
    ignorant = np.stack([np.ones_like(targets), drawn.Y.mean(axis=1), without_examples(law, drawn.X)], axis=1)
    fitted = ignorant @ np.linalg.lstsq(ignorant, targets, rcond=None)[0]
    return float(np.mean((fitted - targets) ** 2))


def without_examples(law: Law, X: FloatArray) -> FloatArray:
    """E f(x) over the functions of a law, at the queries of prompts X (P, n+1, d): (P,)."""
    try:  # the posterior mean before any example, of prompts in which the query comes first
        return law.posterior_mean(X[:, [-1, 0]], np.zeros((len(X), 1)))[:, 0]
    except ValueError:  # a sign of a linear function: as often 1 as -1
        return np.zeros(len(X))
