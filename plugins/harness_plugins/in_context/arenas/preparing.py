"""What a model may be told, or may learn, of a law before it meets the instance that counts."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from harness import Context

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    L = TypeVar("L", bound=DataclassInstance)

L_contra = TypeVar("L_contra", contravariant=True)


@runtime_checkable
class Informed(Protocol[L_contra]):
    """A model that has to know the law behind the instance: a reference, or a construction for that law."""

    def inform(self, law: L_contra) -> None:
        """Learn the law."""


@runtime_checkable
class MetaTrained(Protocol[L_contra]):
    """A model that is trained on much that the law draws before it meets what counts."""

    def meta_train(self, law: L_contra, context: Context) -> None:
        """Train on draws from the law, with the model's own randomness (`context.seed`)."""


def prepare(model: object, law: object | None, context: Context) -> None:
    """Tell an informed model the law, if there is one; let a meta-trained model train on it."""
    if law is None:
        return
    if isinstance(model, Informed):
        model.inform(law)
    if isinstance(model, MetaTrained):
        with context.phase("meta-train"):
            model.meta_train(law, context)


def law_of(task: object, law: type[L]) -> L:
    """The law with the values that the task's parameters of the same names have."""
    return law(**{field.name: getattr(task, field.name) for field in fields(law)})
