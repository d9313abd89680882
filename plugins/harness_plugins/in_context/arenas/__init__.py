"""Where the in-context learners meet: regression from the pairs of a prompt, synthetic and real."""

from __future__ import annotations

from harness import Family
from harness_plugins.in_context.arenas.estimators import (
    Averaging,
    KNearestNeighbors,
    Ols,
    OnePassSgd,
    OneStepGradientDescent,
    OnlineRidge,
    PosteriorMean,
    Ridge,
    ZeroPredictor,
)
from harness_plugins.in_context.arenas.meta_trained import Lstm, Transformer
from harness_plugins.in_context.arenas.synthetic import (
    BooleanRegression,
    DynamicsRegression,
    NearestLabel,
    NetworkRegression,
    Regression,
    RepresentationRegression,
)
from harness_plugins.in_context.arenas.tables import TabularRegression

family = Family(
    title="In-context learning",
    tasks=[
        Regression,
        NetworkRegression,
        RepresentationRegression,
        BooleanRegression,
        DynamicsRegression,
        NearestLabel,
        TabularRegression,
    ],
    baselines=[
        Ols,
        Ridge,
        OnlineRidge,
        KNearestNeighbors,
        OneStepGradientDescent,
        OnePassSgd,
        Averaging,
        ZeroPredictor,
        Transformer,
        Lstm,
    ],
    references=[PosteriorMean],
)
