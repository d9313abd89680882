"""Where the in-context learners meet: regression from the pairs of a prompt, synthetic and real."""

from __future__ import annotations

from harness import Family
from harness_plugins.in_context.arenas.estimators import (
    Averaging,
    BayesRidge,
    KNearestNeighbors,
    Ols,
    OnePassSgd,
    OneStepGradientDescent,
    OnlineRidge,
    Ridge,
    ZeroPredictor,
)
from harness_plugins.in_context.arenas.regression import DiabetesRegression, Regression

family = Family(
    title="In-context learning",
    tasks=[Regression, DiabetesRegression],
    baselines=[
        Ols,
        Ridge,
        OnlineRidge,
        KNearestNeighbors,
        OneStepGradientDescent,
        OnePassSgd,
        Averaging,
        ZeroPredictor,
    ],
    references=[BayesRidge],
)
