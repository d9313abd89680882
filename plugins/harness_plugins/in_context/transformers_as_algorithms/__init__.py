"""Transformers as Algorithms: Generalization and Stability in In-context Learning (arXiv:2301.07067, ICML 2023).

Y. Li, M. E. Ildiz, D. Papailiopoulos, S. Oymak. A transformer that reads a prompt S = (x_1, y_1), ..., (x_m, y_m) is a
learning algorithm Alg, and its training on many prompts a search among such algorithms. How well it does on prompts it
has not seen follows from how little it depends on any one example, its stability,

    |loss(Alg(S), z) - loss(Alg(S^j), z)| <= K / m,      S^j: example j of S replaced        (Assumption 3.1)

which self-attention with bounded weights has (Theorem 3.2), because no weight of a softmax over T tokens with scores
in [-Gamma/2, Gamma/2] exceeds e^Gamma / T. With it, training on T tasks of n examples has an excess risk of about
1 / sqrt(n T) on these tasks, and of about 1 / sqrt(T) on new ones, however large the model (transfer). What is learnt
is the best algorithm for the prior of the tasks: ridge regression for white weights and noise, ridge regression
weighted by the prior for uneven ones.

- `BoundedTransformer`: the network of Theorem 3.2, softmax(X W X^T) X V and relu MLPs with orthogonal weights, as large
  as its bounds allow; `change_bound` derives what replacing an example can change.
- `UntrainedTransformer`: the family's causal transformer at its initial weights, for prompts of any length; its
  `sharpness` makes attention hard, which is not stable.
- `WeightedRidge`: (X^T X + s^2 Sigma^-1)^-1 X^T y for Sigma = diag(i^-2), all prefixes from one Cholesky factor.
- Trained transformers, least squares and ridge regression are the family's; system identification by ridge regression
  is `in-context/posterior-mean` on `in-context/dynamics-regression`.

`ReplacementStability` replaces an example, `LearntPrior` asks which ridge regression a model is closest to, and
`TaskTransfer` trains on T fixed tasks, drawn once (`_law.py`), and tests on new ones.

Where this departs from the paper:
- The bound's constant is worked out here, 4 ((a + Gamma/2)^D - (Gamma/2)^D) / (2m + 1) with a = (1 + Gamma) e^Gamma:
  an example is two tokens, and the last token's own movement from layer to layer counts. For D = 1 it is the paper's
  (1 + Gamma) e^Gamma / T times how far the replaced tokens may move.
- The decoders that are trained are causal, with LayerNorm and residuals, to which the theorem does not apply; their
  slope over m is measured all the same.
- 3 layers of 64 units, 10 examples of 5 features and some thousand steps stand for 12 layers of 256, 40 of 20 and
  500 000; the label noise is 1, as there, and is part of all risks.
- With weights all alike, training stays on the plateau of the zero predictor first, and what gets it away is the size
  of the batch rather than the number of steps. With 16 prompts a step four of five seeds were still there after 6000
  steps. With 64, each of three other seeds had left it after 900: 1.10 and 1.11 times Bayes' risk after 3000 steps,
  1.22 and 1.26 after 2000 (at rates of 1e-3 and 2e-3). Uneven weights are learnt with 16, 1.2 times after 2400.

    harness claims transformers-as-algorithms/stability-1-over-m
"""

from __future__ import annotations

from typing import Any

from harness import Claim, Paper, all_of, difference, measured, ratio
from harness_plugins.in_context.transformers_as_algorithms._models import (
    BoundedTransformer,
    UntrainedTransformer,
    WeightedRidge,
)
from harness_plugins.in_context.transformers_as_algorithms._tasks import LearntPrior, ReplacementStability, TaskTransfer

_BOUNDED = "transformers-as-algorithms/bounded-transformer"
_UNTRAINED = "transformers-as-algorithms/untrained-transformer"
_TRAINED = "in-context/transformer"
_BAYES = "in-context/posterior-mean"
_UNEVEN: dict[str, Any] = {_TRAINED: {"layers": 3, "steps": 2400, "batch": 16}}
_EVEN: dict[str, Any] = {_TRAINED: {"layers": 3, "steps": 2500, "batch": 64, "learning_rate": 1e-3}}
_EXAMPLES = [8, 16, 32, 64, 128]

claims = [
    Claim(
        "stability-1-over-m",
        "Replacing one of m examples changes the loss of a softmax transformer by about 1 / m.",
        figure="K / m, Theorem 3.2; figure 5: the change falls with m",
        criterion="m = 8..128, 3 draws of the weights: slope of log loss-change over log m in -1.3..-0.7 for "
        "the causal transformer, the interval over 5 seeds included; every change within the bound for the bounded one",
        cells=[
            {
                "tasks": [{"transformers-as-algorithms/replacement-stability": {"m": _EXAMPLES}}],
                "models": [{_UNTRAINED: {"which": [0, 1, 2]}}],
                "seeds": 5,
            },
            {
                "tasks": [{"transformers-as-algorithms/replacement-stability": {"m": [8, 16, 32, 64], "batch": 64}}],
                "models": [{_BOUNDED: {"gamma": [0.5, 2.0], "layers": [1, 3]}}],
                "seeds": 3,
            },
        ],
        check=all_of(
            measured("loss-change", _UNTRAINED).slope(over="m").within(-1.3, -0.7),
            measured("share-of-bound", _BOUNDED).each().at_most(1),
        ),
    ),
    Claim(
        "near-bayes",
        "A transformer trained on noisy linear prompts predicts nearly as well as Bayes-optimal ridge regression.",
        figure="on top of ridge regression, figure 2",
        criterion="d = 5, n = 10, noise 1, mse-query with the noise in it: at most 1.25 times that of the posterior "
        "mean and less than that of least squares, the intervals over 5 seeds included",
        cells=[
            {
                "tasks": [{"in-context/regression": {"d": 5, "n": 10, "noise": 1.0, "batch": 2000}}],
                "models": [_EVEN, _BAYES, "in-context/ols"],
                "seeds": 5,
            }
        ],
        check=ratio("mse-query", _TRAINED, _BAYES).at_most(1.25)
        & ratio("mse-query", _TRAINED, "in-context/ols").less_than(1),
    ),
    Claim(
        "adaptive-prior",
        "Trained on functions with uneven weights, a transformer predicts as ridge regression weighted by their prior.",
        figure="on top of weighted ridge regression, below isotropic, figure 2",
        criterion="d = 5, n = 10, noise 1, weights i^-1: spd-weighted at most spd-isotropic with the penalty it is "
        "closest to, for each of 5 seeds",
        cells=[
            {
                "tasks": [
                    {"transformers-as-algorithms/learnt-prior": {"family": "hetero-linear", "batch": 2000}},
                ],
                "models": [_UNEVEN],
                "seeds": 5,
            }
        ],
        check=(measured("spd-weighted", _TRAINED) / measured("spd-isotropic", _TRAINED).smallest(over="penalty"))
        .each()
        .at_most(1),
    ),
    Claim(
        "transfer-t",
        "The risk on new tasks falls with the number of tasks that a transformer was trained on.",
        figure="about 1 / sqrt(T), section 4, figure 4",
        criterion="T = 4, 32, 256: the mean over 3 seeds of transfer-risk falls from each T to the next; the slope of "
        "the logarithm of its excess over the posterior mean's is below -0.25",
        cells=[
            {
                "tasks": [{"transformers-as-algorithms/task-transfer": {"tasks": [4, 32, 256]}}],
                "models": [_EVEN, _BAYES],
                "seeds": 3,
            }
        ],
        check=all_of(
            measured("transfer-risk", _TRAINED).mean(over="seed").falls(over="tasks"),
            difference("transfer-risk", _TRAINED, _BAYES).mean(over="seed").slope(over="tasks").less_than(-0.25),
        ),
    ),
]

paper = Paper(
    title="Transformers as Algorithms: Generalization and Stability in In-context Learning",
    arxiv="2301.07067",
    year=2023,
    venue="ICML",
    code="https://github.com/yingcong-li/transformers-as-algorithms",
    tasks=[ReplacementStability, LearntPrior, TaskTransfer],
    constructions=[BoundedTransformer],
    baselines=[UntrainedTransformer, WeightedRidge],
    claims=claims,
)
