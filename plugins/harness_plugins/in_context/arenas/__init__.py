"""Where the in-context learners meet: regression from the pairs of a prompt, synthetic and real, and language."""

from __future__ import annotations

from harness import Family
from harness_plugins.in_context.arenas.approximation import MlpRegressor, NearestPrototype, SequenceApproximation
from harness_plugins.in_context.arenas.direct_training import DirectTraining
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
from harness_plugins.in_context.arenas.language_models import (
    BaumWelch,
    InContextNgram,
    LanguageLstm,
    LanguageTransformer,
    Uniform,
    UnigramCounts,
)
from harness_plugins.in_context.arenas.language_tasks import (
    AutomatonLanguage,
    CipherText,
    ContextualBigramLanguage,
    MarkovLanguage,
)
from harness_plugins.in_context.arenas.meta_trained import Lstm, Transformer
from harness_plugins.in_context.arenas.permutation import (
    ExactPermutation,
    LinearLeastSquares,
    OneNearestNeighbor,
    RbfKernelRidge,
)
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
        AutomatonLanguage,
        MarkovLanguage,
        CipherText,
        ContextualBigramLanguage,
        SequenceApproximation,
        ExactPermutation,
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
        DirectTraining,
        Transformer,
        Lstm,
        Uniform,
        UnigramCounts,
        InContextNgram,
        BaumWelch,
        LanguageTransformer,
        LanguageLstm,
        NearestPrototype,
        MlpRegressor,
        LinearLeastSquares,
        RbfKernelRidge,
        OneNearestNeighbor,
    ],
    references=[PosteriorMean],
)
