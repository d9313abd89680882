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

- `ReluTransformer`: that construction, its weights written down (`_transformer.py`), activations as sums of ReLUs
  (`_sums.py`). All but these sums is exact; `weights()` shows every matrix, `path="dense"` uses attention as defined.
- `SoftmaxTransformer`: softmax attention, four layers a step, gradients from fitted MLPs (`_softmax.py`).
- Baselines: `ExactGradientDescent` (torch's autograd), `DirectTraining` (Adam), the family's estimators and
  meta-trained transformers.

Where this departs from the paper, or fills in what it leaves open:
- The paper's proofs give existence. The weights here were derived for the same budget of layers.
- The element-wise multiplication layer is h <- (g_0 + G h) * (h + attention), so that a backward step is one layer.
- The query is masked out of the gradient by its bit t in the MLP that computes u.
- L_n has the factor 1/2, so that u is the residual; networks have no biases.

    harness run suites/in_context/regression.yaml
"""

from __future__ import annotations

from harness import Paper
from harness_plugins.in_context.icl_deep_gd._models import ExactGradientDescent, ReluTransformer, SoftmaxTransformer
from harness_plugins.in_context.icl_deep_gd._tasks import TrainNetwork

paper = Paper(
    title="In-Context Deep Learning via Transformer Models",
    arxiv="2411.16549",
    year=2025,
    venue="ICML",
    tasks=[TrainNetwork],
    constructions=[ReluTransformer, SoftmaxTransformer],
    baselines=[ExactGradientDescent],
)
