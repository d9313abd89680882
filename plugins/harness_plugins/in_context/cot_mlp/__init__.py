"""Dissecting Chain-of-Thought: Compositionality through In-Context Filtering and Learning (arXiv:2305.18869).

Y. Li, K. Sreenivasan, A. Giannou, D. Papailiopoulos, S. Oymak, NeurIPS 2023. What does a chain of thought add to
learning in context? Prompts are examples of a random network, fresh for each prompt,

    s^0 = x ~ N(0, I),    s^l = sqrt(2 / k) relu(s^(l-1) W_l),    y = s^(L-1) v,    all weights N(0, 1),

and may show what is computed between input and label. Without it (ICL) the network is to be learnt from (x, y). With
it, attention can pick the pairs (s^(l-1), s^l) of one step, *filtering*, which leaves a problem of one layer, to be
learnt in context; its result is the input of the next step. So the examples needed are those of the hardest step.

- `CotFilterOls` is that construction. Two layers of ReLU attention, the same for every step, filter the prompt
  (`_filter.py`; `weights()` shows them). Each neuron is a regression on the examples in which it is active, where a
  ReLU is linear: with d of them its weights are exact (`_regression.py`). Then the query takes the step
  (`_chain.py`).
- Transformers trained on such prompts (`_transformer.py`), with a read-in for each kind of token; the loss is the sum
  of the squared errors of all that is predicted: `IclTransformer` (x, y), `CotITransformer` reads (x, s, y) and
  answers y at once, `CotIoTransformer` predicts s as well, and at a query goes on from its own s.
- Baselines on (x, y): `LinearRidge`, `RandomFeatureRidge`, `AdamMlp` (a network trained on each prompt), and the
  trained transformers without the whole chain.

Where this departs from the paper, or fills in what it leaves open:
- The paper proves that filtering layers exist; the weights are this implementation's. Their scores are 1 or 0 exactly.
- The regression inside is least squares, or gradient descent on the same sum of squares, and no attention layer.
- Examples in which a neuron is not active say only w.x <= 0, and are not used. Between d and some 2 d examples, where
  neurons have fewer than d active ones, an estimator that used them would do better.
- The same query is put after different numbers of examples; the paper averages over positions of one prompt.
- The claim on trained transformers is at d = 5 with two layers and 2800 steps of training, the paper's at d = 10 with
  500 000. At such sizes CoT-I/O soon learns to read y off s, but hardly to write s, and is as far off as ICL: 1.00
  [0.95, 1.04] times its error over five seeds.

    harness claims cot-mlp --self-test
"""

from __future__ import annotations

from harness import Claim, Paper, measured, ratio
from harness_plugins.in_context.cot_mlp._models import (
    AdamMlp,
    CotFilterOls,
    CotIoTransformer,
    CotITransformer,
    IclTransformer,
    LinearRidge,
    RandomFeatureRidge,
)
from harness_plugins.in_context.cot_mlp._tasks import MlpChain

_TASK = "cot-mlp/mlp-chain"
_FILTER = "cot-mlp/cot-filter-ols"
_NETWORK = "cot-mlp/adam-mlp"
_RANDOM = "cot-mlp/random-feature-ridge"
_INDEXED = {_FILTER: {"filtering": "indexing"}}
_CURVES = [{_TASK: {"d": 10, "hidden": 8, "n": 110, "batch": 64, "lengths": [[14, 18, 22, 26, 45, 60, 80]]}}]
_COT, _ICL = "cot-mlp/cot-io-transformer", "cot-mlp/icl-transformer"

claims = [
    Claim(
        "filter-exact",
        "Filtering and least squares, step by step, find the whole network once each neuron has d active examples.",
        figure="exact in theory, from max(d, k) active examples on",
        criterion="d = 10, k = 4, n = 4 d: exact-share (squared error below 1e-10 of the labels' variance) of 200 "
        "prompts at least 0.95, mean of 3 seeds with its interval",
        cells=[
            {"tasks": [{_TASK: {"d": 10, "hidden": 4, "n": 40, "batch": 200}}], "models": [_FILTER], "seeds": 3},
        ],
        check=measured("exact-share", _FILTER).at_least(0.95),
    ),
    Claim(
        "sample-gap",
        "With the chain in the prompt far fewer examples suffice than the best learner without it needs.",
        figure="fewer examples with the chain than without, max(d, k) beside d k: no number is taken over",
        criterion="d = 10, k = 8: examples-to-10-percent of filtering and least squares at most 0.4 of those of a "
        "network trained by Adam (3 seeds) and of random features (12 seeds), hence of the best of them; intervals "
        "included",
        cells=[
            {"tasks": _CURVES, "models": [_INDEXED, _RANDOM, "cot-mlp/linear-ridge"], "seeds": 12},
            {"tasks": _CURVES, "models": [_NETWORK], "seeds": 3},
        ],
        check=ratio("examples-to-10-percent", _FILTER, _NETWORK).at_most(0.4)
        & ratio("examples-to-10-percent", _FILTER, _RANDOM).at_most(0.4),
    ),
    Claim(
        "trained-gap",
        "A small transformer trained to read and to write the chain makes half the error of one that sees none.",
        figure="CoT-I/O is below ICL in every figure: no number is taken over",
        criterion="d = 5, k = 3, n = 30: relative-mse of CoT-I/O, its own steps in the prompt, at most 0.5 of that of "
        "ICL, trained alike; mean ratio of 5 seeds with its interval. Not expected to hold at this scale: trials of "
        "1500 and 2800 steps, from GPT-2's initial weights and without a curriculum, gave 1.1 and 0.9",
        cells=[
            {
                "tasks": [{_TASK: {"d": 5, "hidden": 3, "n": 30, "batch": 1000, "lengths": [[5, 10, 15, 20, 25]]}}],
                "models": [_COT, _ICL],
                "seeds": 5,
            }
        ],
        check=ratio("relative-mse", _COT, _ICL).at_most(0.5),
    ),
]

paper = Paper(
    title="Dissecting Chain-of-Thought: Compositionality through In-Context Filtering and Learning",
    arxiv="2305.18869",
    year=2023,
    venue="NeurIPS",
    code="https://github.com/yingcong-li/Dissecting-CoT",
    tasks=[MlpChain],
    constructions=[CotFilterOls, CotIoTransformer],
    baselines=[AdamMlp, RandomFeatureRidge, LinearRidge, IclTransformer, CotITransformer],
    claims=claims,
)
