"""Training schedules: all families at once, each alone, growing dimensions, one family after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

from harness import Context
from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.task_diversity_plateau._course import Course, Method, Regimen, Stage, in_turn

Body: TypeAlias = Literal["transformer", "lstm"]
Examples: TypeAlias = Literal["per-family", "total"]


@dataclass
class _Schedule:
    """Trains the networks of its regimen side by side, from equal first weights."""

    layers: int = 2
    """Layers of a network."""
    width: int = 32
    """Units of its residual stream, or of a recurrent layer."""
    heads: int = 2
    """Attention heads of a transformer; they divide the width."""
    body: Body = "transformer"
    """What reads the prompts."""
    learning_rate: float = 1e-3
    """Adam's step size, reached after 100 steps and kept."""
    method: Method = "loop"
    """How networks of equal shape are run: one after the other, or at once by torch.func.vmap."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"layers": 1, "width": 8},
        "paper": {"layers": 12, "width": 256, "heads": 8, "learning_rate": 1e-4},
    }

    def __post_init__(self) -> None:
        one_of("body", self.body, get_args(Body))
        one_of("method", self.method, get_args(Method))
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}")

    def regimen(self, course: Course) -> Regimen:
        """What each network is trained on, and when."""
        raise NotImplementedError

    def train(self, course: Course, context: Context) -> FloatArray:
        """Train, and predict at every look: (L, F, P), for the query of each of a family's P test prompts."""
        from harness_plugins.in_context.task_diversity_plateau._training import train

        trained = context.cached(
            train,
            course=course,
            regimen=self.regimen(course),
            architecture=self._architecture(),
            learning_rate=self.learning_rate,
            method=self.method,
            seed=context.seed,
        )
        predictions: FloatArray = trained["predictions"]
        return predictions

    def train_step(self, course: Course) -> tuple[Callable[[], FloatArray], int]:
        """One step of all networks, to be repeated: the loss of each, (networks,); and the prompts of a step."""
        from harness_plugins.in_context.task_diversity_plateau._training import train_step

        return train_step(
            course=course, regimen=self.regimen(course), architecture=self._architecture(), method=self.method
        )

    def _architecture(self) -> dict[str, Any]:
        heads = self.heads if self.body == "transformer" else None
        return {"layers": self.layers, "width": self.width, "heads": heads}


@dataclass
class MultiTask(_Schedule):
    """One network learns all families at once: each prompt of a batch is of any of them, and nothing says of which."""

    def regimen(self, course: Course) -> Regimen:
        """One network, one stage; in the mean `batch` prompts of each family in a step."""
        size = len(course.families) * course.batch
        return Regimen(((Stage(course.families, course.steps, size, course.d),),))


@dataclass
class SingleTask(_Schedule):
    """Each family is learnt by a network of its own."""

    examples: Examples = "per-family"
    """Prompts of a step: as many as the joint network sees of each family, or as many as it sees in total."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("examples", self.examples, get_args(Examples))

    def regimen(self, course: Course) -> Regimen:
        """A network for each family, one stage each."""
        size = course.batch * (1 if self.examples == "per-family" else len(course.families))
        return Regimen(tuple((Stage((family,), course.steps, size, course.d),) for family in course.families))


@dataclass
class DimensionCurriculum(_Schedule):
    """Each family by itself, in few features at first, which grow to all (Garg et al., arXiv:2208.01066).

    There the prompts grow longer too; here their length stays, so that every position is trained throughout.
    """

    start: int = 2
    """Features at first; never fewer than matter to a sparse or Boolean function."""
    growing: float = 0.5
    """Share of the steps after which all features are there."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start < 1 or not 0 < self.growing < 1:
            raise ValueError(f"start must be at least 1 and growing within (0, 1), not {self.start} and {self.growing}")

    def regimen(self, course: Course) -> Regimen:
        """A network for each family; stages of equal length with one more feature each, then the rest with all."""
        sizes = range(min(max(self.start, course.few), course.d), course.d)
        growing = round(self.growing * course.steps) if sizes else 0
        lengths = [*in_turn(growing, max(len(sizes), 1))[: len(sizes)], course.steps - growing]
        stages = list(zip([*sizes, course.d], lengths, strict=True))
        return Regimen(
            tuple(tuple(Stage((family,), steps, course.batch, d) for d, steps in stages) for family in course.families)
        )


@dataclass
class EasyToHard(_Schedule):
    """One network learns one family after the other, in the order of the task, with the same prompts in all."""

    def regimen(self, course: Course) -> Regimen:
        """One network, a stage for each family; a step has the prompts of all families, all of the one."""
        size = len(course.families) * course.batch
        lengths = in_turn(course.steps, len(course.families))
        stages = zip(course.families, lengths, strict=True)
        return Regimen((tuple(Stage((family,), steps, size, course.d) for family, steps in stages),))
