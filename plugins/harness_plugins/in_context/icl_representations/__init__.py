"""How Do Transformers Learn In-Context Beyond Simple Functions? Learning with Representations (arXiv:2310.10616).

T. Guo, W. Hu, S. Mei, H. Wang, C. Xiong, S. Savarese, Y. Bai, ICLR 2024. Labels are linear in a fixed representation,

    y = <w, Phi(x)> + sigma z,      Phi(x) = s(B_L ... s(B_1 x)),  s(t) = max(t, t / 100),

where all prompts share Phi and each has its own w. The best answer is ridge regression on Phi(x), and a transformer can
give it: its lower layers compute Phi(x_i), its upper ones run gradient descent on the ridge objective

    1/(2n) |Phi w - y|^2 + lambda / 2 |w|^2,

with an error that falls as (1 - eta mu)^T after T layers, mu the smallest eigenvalue of the Hessian, eta the step size.
All weights are written down (`_layers.py`; the attention is a sum of ReLU heads, see `_constructed.py`):

- `RepresentationTransformer` (Theorem 1): L layers for Phi, one that copies Phi(x_i) to the token of y_i, T steps of
  two heads each, one that predicts. With `attention="full"` all tokens see all, and each prefix is a prompt of its own;
  with "causal" it is a decoder that answers all prefixes in one pass (`_transformer.py`). For a mixture of K
  representations it fits all K, and predicts with the one whose fit to every other example has the smallest error on
  the rest.
- `RepresentationDynamicsTransformer`: x_(i+1) = W Phi(x_i, ..., x_(i-k+1)) + noise, descent on W (`_dynamics.py`).

Baselines: `KernelRidge`; `RidgeSelection`, which selects by scikit-learn's fits; `ProbedTransformer`, the family's
meta-trained one with its residual stream to be read; `GradientDescent` without a transformer; ridge regression on x
and, knowing Phi, `in-context/posterior-mean`; a network trained on the prompt is `in-context/direct-training`.

Where this departs from the paper, or fills in what it leaves open:
- Gradient descent runs in the tokens of y: token y_i sees 2i tokens, so that attention's 1/(2i) is 1/i exactly up to a
  constant; a token of x would see an odd number.
- Each token has a unit for its position, by which heads find the token before and undo attention's division.
- Attention adds eta / (1 - eta lambda) times the gradient, and the MLP behind it multiplies all by 1 - eta lambda.
- Examples are split into odd and even ones instead of first and last half, which serves all prefixes with one bit of
  each token and is the same in distribution. A ReLU head sums residuals without their squares, so the error is the mean
  of their absolute values. Instead of a sharp softmax over errors, which ReLUs have not, an MLP computes how far each
  is behind the best and hides its prediction: exact but for ties closer than 1e-9.
- `path="fast"` takes T equal layers as one affine map, found by squaring; the tests hold it against the layers.

The step size is bounded by the largest |Phi(x)|^2, and the Hessian's smallest eigenvalue is small where few examples
stand against it: with the Bayes-optimal lambda = sigma^2 / n, ridge regression to six digits takes some ten thousand
layers. What the default 2000 reach is shown by

    harness run suites/in_context/regression.yaml
"""

from __future__ import annotations

from harness import Claim, Paper, all_of, measured
from harness_plugins.in_context.icl_representations._baselines import (
    GradientDescent,
    KernelRidge,
    ProbedTransformer,
    RidgeSelection,
)
from harness_plugins.in_context.icl_representations._models import (
    RepresentationDynamicsTransformer,
    RepresentationTransformer,
)
from harness_plugins.in_context.icl_representations._tasks import (
    RepresentationDynamics,
    RepresentationProbe,
    RepresentationSelection,
    RidgeByDescent,
)

_CONSTRUCTED = "icl-representations/representation-transformer"
_RAW = "in-context/online-ridge"
_DRAWS = [0, 1, 2, 3, 4]

claims = [
    Claim(
        "construct-ridge",
        "T layers of gradient descent above Phi are ridge regression on Phi up to (1 - eta mu)^T.",
        figure="exact, Theorem 1 (a proof): L + O(kappa log(1 / eps)) layers",
        criterion="d = 8, n = 16, lambda = 0.1, eta = 1 / the largest eigenvalue, 20 prompts: rate-ratio in 0.95..1.2; "
        "relative-gap at most 1e-6 after T = ceil(kappa log 1e6) steps",
        cells=[
            {
                "tasks": [{"icl-representations/ridge-by-descent": {"d": 8, "n": 16, "penalty": 0.1}}],
                "models": [{_CONSTRUCTED: {"attention": "full"}}],
                "seeds": 20,
            }
        ],
        check=all_of(
            measured("rate-ratio", _CONSTRUCTED).each().within(0.95, 1.2),
            measured("relative-gap", _CONSTRUCTED).each().at_most(1e-6),
        ),
    ),
    Claim(
        "beats-raw",
        "Where labels are linear in Phi(x), the constructed transformer is far ahead of ridge regression on x itself.",
        figure="near the Bayes risk, ridge on raw inputs far above, figure 2",
        criterion="n = 2d queries: mse-query at most half of that of ridge regression on x with the best of 4 "
        "penalties, for d = 5, 8, L = 2, 3 and 5 draws of Phi, the interval over 3 seeds included",
        cells=[
            {
                "tasks": [
                    {
                        "in-context/representation-regression": {
                            "d": d,
                            "n": 2 * d,
                            "noise": 0.1,
                            "layers": [2, 3],
                            "which": _DRAWS,
                        }
                    }
                ],
                "models": [_CONSTRUCTED, {_RAW: {"penalty": [0.01, 0.1, 1.0, 10.0]}}],
                "seeds": 3,
                "isolation": "shared",
            }
            for d in (5, 8)
        ],
        check=(measured("mse-query", _CONSTRUCTED) / measured("mse-query", _RAW).smallest(over="penalty")).at_most(0.5),
    ),
    Claim(
        "selection",
        "Of several representations the transformer selects the one that the prompt's labels are linear in.",
        figure="post-ICL selection of the representation, section 5.3",
        criterion="K = 3, n = 4d, sigma = 0.1, d = 5, 8, 5 draws of Phi: selection-accuracy at least 0.95, the "
        "interval over 3 seeds included",
        cells=[
            {
                "tasks": [
                    {
                        "icl-representations/representation-selection": {
                            "d": d,
                            "n": 4 * d,
                            "noise": 0.1,
                            "which": _DRAWS,
                        }
                    }
                ],
                "models": [_CONSTRUCTED],
                "seeds": 3,
            }
            for d in (5, 8)
        ],
        check=measured("selection-accuracy", _CONSTRUCTED).at_least(0.95),
    ),
    Claim(
        "probe",
        "Phi(x) can be read off the residual stream linearly from layer L on, and from no layer before.",
        figure="lower layers compute the representation, figure 3",
        criterion="d = 5, L = 2 and d = 8, L = 3: the first layer whose probe-r2 exceeds 0.99 is L, for every seed",
        cells=[
            {
                "tasks": [{"icl-representations/representation-probe": {"d": d, "layers": layers}}],
                "models": [{_CONSTRUCTED: {"steps": 2}}],
                "seeds": 3,
            }
            for d, layers in ((5, 2), (8, 3))
        ],
        check=measured("probe-layer", _CONSTRUCTED).per("layers").each().equals(1),
    ),
]

paper = Paper(
    title="How Do Transformers Learn In-Context Beyond Simple Functions? A Case Study on Learning with Representations",
    arxiv="2310.10616",
    year=2024,
    venue="ICLR",
    tasks=[RidgeByDescent, RepresentationSelection, RepresentationProbe, RepresentationDynamics],
    constructions=[RepresentationTransformer, RepresentationDynamicsTransformer],
    baselines=[GradientDescent, KernelRidge, RidgeSelection, ProbedTransformer],
    claims=claims,
)
