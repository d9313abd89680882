"""Regression on prompts that are drawn from measured data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from harness import Context
from harness_plugins.in_context.arenas.laws.law import one_of
from harness_plugins.in_context.arenas.prompts import FloatArray
from harness_plugins.in_context.arenas.regression import PromptedRegression, Prompts, prompts

Table: TypeAlias = Literal["diabetes", "wine", "breast-cancer"]


@dataclass
class TabularRegression(PromptedRegression):
    """Real prompts, from tables that scikit-learn ships.

    `diabetes`: the progression of the disease in 442 patients from ten measurements (Efron et al. 2004). `wine`: the
    alcohol of 178 wines from twelve other measurements of the chemist. `breast-cancer`: whether a tumour is malignant
    (1) or benign (-1), 569 patients, from 30 features of cell nuclei. The rows are split; a prompt's examples are drawn
    from the one part without repetition, its query from the other. Features and target are standardised on the first
    part, so no intercept is needed.
    """

    table: Table = "diabetes"
    """Where the rows come from."""
    n: int = 40
    """Labelled examples in a prompt."""
    held_out: float = 0.25
    """Share of the rows that only queries are drawn from."""

    scales: ClassVar[dict[str, dict[str, Any]]] = {"smoke": {"n": 5, "batch": 4}, "paper": {"n": 100, "batch": 2000}}

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of("table", self.table, get_args(Table))
        if self.n < 1 or not 0 < self.held_out < 1:
            raise ValueError(f"n must be at least 1 and held_out between 0 and 1, not {self.n} and {self.held_out}")

    def instance(self, context: Context) -> Prompts:
        """Split the rows and draw the prompts."""
        features, target = load(self.table)
        rng = context.rng
        held_out = max(1, round(self.held_out * len(target)))
        queries, examples = np.split(rng.permutation(len(target)), [held_out])
        if self.n > len(examples):
            raise ValueError(f"n is {self.n}, but only {len(examples)} rows are left for examples")
        shown = np.stack([rng.choice(examples, self.n, replace=False) for _ in range(self.batch)])  # (B, n)
        rows = np.concatenate([shown, rng.choice(queries, (self.batch, 1))], axis=1)  # (B, n+1)
        X, Y = (_standardised(values, examples)[rows] for values in (features, target))
        return prompts(X, Y[:, :-1], Y)


def load(table: Table) -> tuple[FloatArray, FloatArray]:
    """Features (rows, d) and target (rows,) of a table, as measured."""
    from sklearn import datasets

    if table == "diabetes":
        features, target = datasets.load_diabetes(return_X_y=True, scaled=False)
    elif table == "wine":
        measured, _ = datasets.load_wine(return_X_y=True)
        features, target = measured[:, 1:], measured[:, 0]
    else:
        features, benign = datasets.load_breast_cancer(return_X_y=True)
        target = 1.0 - 2.0 * benign
    return features, target


def _standardised(values: FloatArray, part: NDArray[np.int64]) -> FloatArray:
    """`values` with the mean and standard deviation of the rows `part` brought to 0 and 1."""
    scaled: FloatArray = (values - values[part].mean(axis=0)) / values[part].std(axis=0)
    return scaled
