"""In-Context Deep Learning via Transformer Models (arXiv:2411.16549, ICML 2025).

W. Wu, M. Su, J. Y.-C. Hu, Z. Song, H. Liu. A transformer can train a deep network in its forward pass: with the weights
w of an N-layer network in the tokens, 2N + 4 layers are one step of projected gradient descent

    w <- Proj_W(w - eta grad L_n(w)),      L_n(w) = 1/(2n) sum_i |f(w, x_i) - y_i|^2,

so (2N + 4) L layers are L steps (Theorem 1). The gradient comes term by term, without automatic differentiation:

    p(j) = r(V_j p(j-1))                                         N layers of ReLU attention
    r'(j) = r'(V_j p(j-1)),  u = p(N) - y                         one of attention, one MLP
    s(N) = r'(N) * u,  s(j) = r'(j) * V_(j+1)^T s(j+1)            N element-wise multiplication layers
    V_j <- V_j - eta / n sum_i s_i(j) p_i(j-1)^T                  one of attention
    W is a box: cut the weights, clear the rest                   one MLP

- `ReluTransformer`: that construction, its weights written down (`_transformer.py`) for the slots of a token
  (`_layout.py`), activations as sums of ReLUs (`_sums.py`). All but these sums is exact; `transformer(...).weights()`
  shows every matrix, `path="dense"` uses attention as defined.
- `SoftmaxTransformer`: softmax attention, four layers a step, gradients from fitted MLPs (`_softmax.py`).
- Baselines: `ExactGradientDescent` (torch's autograd), `DirectTraining` (Adam), `Ridge`, and in the family's arena its
  estimators and meta-trained transformers.

Where this departs from the paper, or fills in what it leaves open:
- The paper's proofs give existence. The weights here were derived for the same budget of layers.
- The element-wise multiplication layer is h <- (g_0 + G h) * (h + attention), so that a backward step is one layer.
- The query is masked out of the gradient by its bit t in the MLP that computes u; its label is 0. A mask that is too
  small for |f(w, x)| at the query is an error, since the query would be learnt from.
- L_n has the factor 1/2, so that u is the residual; networks have no biases, and a linear output.
- The box W is the same for all weights. Exact ReLU and tanh are there beside the smooth ReLU of the claims, with sums
  that are less exact: that of ReLU's slope at 0, and those of tanh everywhere.
- The softmax variant's MLPs are fitted, with autograd's gradients, to jittered copies of the prompt it will read: one
  transformer for a prompt, not for all. Its forward pass differentiates nothing.
- In the arena each prefix of a prompt trains a network of its own: `every` says how many.

    harness run suites/in_context/regression.yaml
    harness claims icl-deep-gd
"""

from __future__ import annotations

from harness import Claim, Paper, all_of, difference, measured, ratio
from harness_plugins.in_context.icl_deep_gd._models import (
    DirectTraining,
    ExactGradientDescent,
    ReluTransformer,
    Ridge,
    SoftmaxTransformer,
)
from harness_plugins.in_context.icl_deep_gd._tasks import TrainNetwork
from harness_plugins.in_context.icl_deep_gd._timing import StepTime

_TRAIN = "icl-deep-gd/train-network"
_RELU = "icl-deep-gd/relu-transformer"
_SOFTMAX = "icl-deep-gd/softmax-transformer"
_EXACT = "icl-deep-gd/exact-gradient-descent"
_RIDGE = "icl-deep-gd/ridge"
_DIRECT = "in-context/direct-training"
_META = "in-context/transformer"
_DEPTHS = (2, 3, 4, 6)
"""Layers N; the widths are 4-5-1, 4-5-5-1, 3-4-4-4-1 and 3-4-4-4-4-4-1."""

_TRAINED = {"layers": 2, "width": 32, "steps": 1000, "batch": 32, "learning_rate": 3e-3}
"""The meta-trained transformer, as large as 18 of them can be here."""


def _networks(**others: object) -> list[dict[str, dict[str, object]]]:
    """The task for these four networks."""
    shapes: list[dict[str, object]] = [{"layers": [2, 3], "d": 4, "hidden": 5}, {"layers": [4, 6], "d": 3, "hidden": 4}]
    return [{_TRAIN: {**shape, **others}} for shape in shapes]


claims = [
    Claim(
        "layer-count",
        "One step of gradient descent on an N-layer network takes 2N + 4 layers, whatever the number of steps.",
        figure="(2N + 4) L layers, Theorem 1 (a proof)",
        criterion="layers that the tokens went through, over the steps: exactly 2N + 4 for N in {2, 3, 4, 6} and L in "
        "{1, 3, 10}, attention computed as defined; all tokens' copies of the weights within 1e-12 after each step",
        cells=[{"tasks": _networks(steps=[1, 3, 10]), "models": [{_RELU: {"path": "dense"}}], "seeds": 2}],
        check=all_of(
            *(measured("layers-per-step", _RELU, layers=N).each().equals(2 * N + 4) for N in _DEPTHS),
            measured("spread", _RELU).each().at_most(1e-12),
        ),
    ),
    Claim(
        "gd-match",
        "The transformer's weights follow those of gradient descent on deep networks.",
        figure="exact up to eps, Theorem 1 (a proof)",
        criterion="H = 32, ten steps of 0.05 on ten examples, N in {2, 3, 4, 6}, ten seeds: param-gap to autograd at "
        "most 1e-4 each, and at most 1e-3 of the way gradient descent goes for N in {2, 3}; that way longer than 1e-3 "
        "for 80 % of the seeds, or dead networks would be matched by anything. A mask of 1e7: from one of the starts "
        "of N = 6 gradient descent itself diverges, to outputs of 1e6, and amplifies a gap of 6e-5 to 0.08 on the way; "
        "in the corners of the box, where both end, the gap is 0 and says nothing",
        cells=[{"tasks": _networks(), "models": [{_RELU: {"mask": 1e7}}, _EXACT], "seeds": 10}],
        check=all_of(
            measured("param-gap", _RELU).each().at_most(1e-4),
            measured("relative-param-gap", _RELU, layers=[2, 3]).each().at_most(1e-3),
            measured("distance-moved", _RELU).share(0.8).at_least(1e-3),
        ),
    ),
    Claim(
        "eps-order",
        "The error comes from the activation's sum of H ReLUs alone, and falls as H^-2.",
        figure="H = O(eps^-2) ReLUs for smooth functions (approximability); piecewise linear ones have eps = O(H^-2)",
        criterion="slope of log param-gap after one step over log H, H = 2..32: in [-2.5, -1.5] for each N, mean over "
        "ten seeds. An implementation that takes a shortcut has slope 0, and so has a broken layer",
        cells=[{"tasks": _networks(steps=1), "models": [{_RELU: {"terms": [2, 4, 8, 16, 32]}}], "seeds": 10}],
        check=measured("param-gap", _RELU).slope(over="terms").within(-2.5, -1.5),
    ),
    Claim(
        "corollary-bound",
        "Errors of single steps add up to no more than L_f^-1 (1 + eta L_f)^L eps.",
        figure="Corollary of Theorem 1 (a proof)",
        criterion="param-gap after each of 1..50 steps over that bound: at most 1, with eps the largest error of a "
        "step over eta and L_f the largest Hessian norm on the path of gradient descent, and a tenth",
        cells=[{"tasks": _networks(steps=50, curvature=True), "models": [_RELU], "seeds": 5}],
        check=measured("share-of-bound", _RELU).each().at_most(1),
    ),
    Claim(
        "icl-matches-training",
        "A network that is trained in the forward pass is as good as one trained by gradient descent.",
        figure="R^2 curves of in-context learning and of direct training coincide for 3, 4 and 6 layers, figure 1",
        criterion="4-8-8-1 and 4-8-8-8-1, 40 examples, 200 steps, ten seeds: mse-query within 1 % of exact gradient "
        "descent's each, and below that of ridge regression on the inputs for 7 of 10 seeds",
        cells=[
            {
                "tasks": [{_TRAIN: {"layers": [3, 4], "hidden": 8, "n": 40, "steps": 200, "delta": 0.1}}],
                "models": [_RELU, _EXACT, _RIDGE, "icl-deep-gd/direct-training"],
                "seeds": 10,
            }
        ],
        check=all_of(
            ratio("mse-query", _RELU, _EXACT).each().within(0.99, 1.01),
            *(
                (measured("mse-query", _RELU, layers=N) / measured("mse-query", _RIDGE, layers=N)).share(0.7).at_most(1)
                for N in (3, 4)
            ),
        ),
    ),
    Claim(
        "softmax-variant",
        "With softmax attention four layers are a step, and more features bring them closer to gradient descent.",
        figure="4L layers, by universal approximation (a proof of existence)",
        criterion="4-5-1, ten steps, five seeds: exactly 4 layers per step; relative-param-gap falls with the number "
        "of features, 32..512 (slope of the logarithms below 0), and is at most 0.1 with 512",
        cells=[{"tasks": [_TRAIN], "models": [{_SOFTMAX: {"features": [32, 128, 512]}}], "seeds": 5}],
        check=all_of(
            measured("layers-per-step", _SOFTMAX).each().equals(4),
            measured("relative-param-gap", _SOFTMAX).slope(over="features").less_than(0),
            measured("relative-param-gap", _SOFTMAX, features=512).at_most(0.1),
        ),
    ),
    Claim(
        "meta-trained-matches",
        "A transformer trained on prompts of many networks predicts as well as a network trained on the prompt.",
        figure="R^2 curves of in-context learning and of direct training coincide for 3, 4 and 6 layers, figure 1",
        criterion="inputs N(-2, I) as in the paper: r2 at the query after 20 examples at least that of direct training "
        "(Adam) less 0.05, softmax and ReLU attention, 3, 4 and 6 layers, three seeds; 0.05 is what two curves that "
        "coincide in a figure can differ by. Expected to fail at this scale, a thousand steps instead of the paper's "
        "hundreds of thousands (r2 0.87 with softmax, 0.84 with ReLU attention, 0.95 directly; N = 3, one seed)",
        cells=[
            {
                "tasks": [
                    {
                        "in-context/network-regression": {
                            "layers": N,
                            "d": 4,
                            "n": 20,
                            "inputs": "mixture",
                            "share": 1.0,
                            "batch": 512,
                        }
                    }
                ],
                "models": [
                    {_META: {**_TRAINED, "attention": ["softmax", "relu"]}},
                    {_DIRECT: {"layers": N, "every": 20}},
                    "in-context/online-ridge",
                ],
                "seeds": 3,
            }
            for N in (3, 4, 6)
        ],
        check=difference("r2", _META, _DIRECT).at_least(-0.05),
    ),
    Claim(
        "speed",
        "A step of the transformer costs no more than 50 steps of a training loop by autograd.",
        figure="none; a bound on what the construction may cost",
        criterion="4-8-8-1, 40 examples, timed in turns in one process: autograd-ratio at most 50; the autograd loop "
        "against itself has to come out within 10 % of 1",
        cells=[{"tasks": ["icl-deep-gd/step-time"], "models": [_RELU, _EXACT], "seeds": 5}],
        check=all_of(
            measured("autograd-ratio", _RELU).at_most(50),
            measured("autograd-ratio", _EXACT).within(0.9, 1.1),
        ),
    ),
]

paper = Paper(
    title="In-Context Deep Learning via Transformer Models",
    arxiv="2411.16549",
    year=2025,
    venue="ICML",
    tasks=[TrainNetwork, StepTime],
    constructions=[ReluTransformer, SoftmaxTransformer],
    baselines=[ExactGradientDescent, DirectTraining, Ridge],
    claims=claims,
)
