"""What learning algorithm is in-context learning? Investigations with linear models (arXiv:2211.15661, ICLR 2023).

E. Akyurek, D. Schuurmans, J. Andreas, T. Ma, D. Zhou. A decoder-only transformer can run a learning algorithm on the
examples in its prompt, and its weights can be written down. Four primitives, each one decoder layer, make the residual
stream a register machine (section 3.1, appendix B): *mov* copies rows from an earlier token, *mul* multiplies two
matrices held in a token, *div* divides by the absolute value of a row, *aff* is an affine map of two registers.

- `SgdProgram` (Theorem 1): one stochastic gradient step of linear regression per example, 7 layers each, O(d) rows.
- `RidgeProgram` (Theorem 2): ridge regression by one Sherman-Morrison update per example, 11 layers each, O(d^2) rows.

What a trained decoder does instead (section 4) is asked of the family's `in-context/transformer`, the paper's baseline.

Each program runs at two levels. `exact`: the primitives are ideal array operations (`_programs.py`). `compiled`: every
primitive becomes W_Q, W_K, W_V, W_O, W_1, b_1, W_2, b_2 of a decoder layer with softmax attention, LayerNorm and exact
GeLU, in float64 (`_compiled.py`); `weights` shows them. There attention is hard because logits are +-N; products come
from sqrt(pi/2) c^-2 (gelu(c(x+y)) - gelu(cx) - gelu(cy)) = x y (1 + O(c^2)); LayerNorm is overruled by two rows +-N,
and divides where these rows hold +-N times the divisor.

Where this departs from the paper:
- Every token behind an example takes the step on it, so that each x_i is predicted from its own past in one pass. The
  move and the update read nothing in the tokens before (the paper's empty K(i), a slot of zeros in the softmax).
- One unit per position serves keys and queries of all layers, since the layers' W_Q can tell which key to look for.
- *mov* and *aff* are linear and therefore attention alone; their MLP is zero and nothing has to be led around GeLU.
- LayerNorm's mean does not vanish with large N: a row that holds minus the sum of the others keeps it at zero.
- X^T y is accumulated beside A^-1, so that the weights are those of all examples (the appendix shows the first only).
- LayerNorm's known constant is off by |h|^2 / (4 N^2), and A^-1 starts at I / lambda: the smaller the penalty, the
  larger N has to be. Measured at d = 4, n = 20, c = 1e-5: relative error 1e-6 at lambda = 0.1 with N = 1e7, but 0.3
  at lambda = 0.01, where N = 1e9 leaves 4e-3.

    harness run suites/in_context/regression.yaml
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness import Claim, Paper, all_of, at_least_of, measured
from harness_plugins.in_context.arenas.estimators import OnePassSgd, Ridge
from harness_plugins.in_context.arenas.prompts import FloatArray, check_prompts
from harness_plugins.in_context.icl_linear_algorithms._programs import Program, execute, ridge_program, sgd_program
from harness_plugins.in_context.icl_linear_algorithms._tasks import ImplicitWeights, ProgramFidelity

if TYPE_CHECKING:
    import torch

    from harness_plugins.in_context.icl_linear_algorithms._compiled import Decoder

Level: TypeAlias = Literal["exact", "compiled"]
SUPPORT_ROWS = 4
"""Rows beside a program's registers: the constant 1, two for the divisor, one that balances the sum."""


@dataclass
class _Constructed:
    """What both programs share: the two levels, the weights, the size."""

    level: Level = "exact"
    """Ideal primitives, or the decoder whose weights carry them out."""
    N: float = 1e7
    """The large constant of `compiled`: attention's sharpness, LayerNorm's divisor, the bias that bypasses GeLU."""
    c: float = 1e-5
    """The small constant of `compiled`: inputs of products are scaled by it; their relative error is O(c^2)."""

    def program(self, n: int, d: int) -> Program:
        """The instructions for n examples of d features."""
        raise NotImplementedError

    def decoder(self, n: int, d: int) -> Decoder:
        """The program as a transformer for prompts of n examples."""
        from harness_plugins.in_context.icl_linear_algorithms._compiled import Decoder

        return Decoder(self.program(n, d), 2 * n + 1, self.N, self.c)

    def predict(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """X (B, n+1, d), Y (B, n) -> predictions (B, n+1), causal.

        Raises:
            ValueError: the prompts are not legal, or a hyperparameter is out of range.
        """
        _, n, d = check_prompts(X, Y)
        if self.level == "exact":
            return execute(self.program(n, d), X, Y)
        if self.level == "compiled":
            return self.decoder(n, d).predict(X, Y)
        raise ValueError(f"level is {self.level!r}; there are exact and compiled")

    def weights(self, n: int, d: int) -> dict[str, torch.Tensor]:
        """Weights of the decoder for n examples of d features, by name: `layer-3.read.W_Q`, `layer-3.mlp.W_1` ..."""
        layers = enumerate(self.decoder(n, d).layers())
        return {f"layer-{index}.{name}": weight for index, layer in layers for name, weight in layer.weights()}

    def depth(self, n: int) -> int:
        """Decoder layers for n examples, whatever d."""
        return len(self.program(n, 1).instructions)

    def rows(self, d: int) -> int:
        """Rows of the residual stream for d features, the 2n + 1 position units apart."""
        return self.program(1, d).rows + SUPPORT_ROWS


@dataclass
class SgdProgram(_Constructed):
    """One step of stochastic gradient descent per example, written into a transformer's weights (Theorem 1)."""

    learning_rate: float = 0.01
    """Step size alpha."""
    weight_decay: float = 0.0
    """Penalty lambda on |w|^2."""

    def program(self, n: int, d: int) -> Program:
        """7 layers per example and one that predicts."""
        return sgd_program(n, d, self.learning_rate, self.weight_decay)

    def textbook(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """One-pass SGD, (B, n+1)."""
        return OnePassSgd(self.learning_rate, self.weight_decay).predict(X, Y)


@dataclass
class RidgeProgram(_Constructed):
    """Ridge regression by Sherman-Morrison updates, written into a transformer's weights (Theorem 2)."""

    penalty: float = 0.1
    """Weight lambda of |w|^2 against the sum of squared residuals."""

    def program(self, n: int, d: int) -> Program:
        """A layer that sets A^-1 = I / lambda, 11 per example, two that predict."""
        if not self.penalty > 0:
            raise ValueError(f"penalty must be positive, not {self.penalty}")
        return ridge_program(n, d, self.penalty)

    def textbook(self, X: FloatArray, Y: FloatArray) -> FloatArray:
        """scikit-learn's ridge regression, refitted on each prefix, (B, n+1)."""
        return Ridge(self.penalty).predict(X, Y)


_FIDELITY = "icl-linear-algorithms/program-fidelity"
_SGD = "icl-linear-algorithms/sgd-program"
_RIDGE = "icl-linear-algorithms/ridge-program"
_TRAINED = "in-context/transformer"

claims = [
    Claim(
        "sgd-program-exact",
        "A transformer of O(d) rows runs one step of stochastic gradient descent per example of the prompt.",
        figure="exact, Theorem 1 (a proof)",
        criterion="d = 8, n = 20: relative-gap to textbook SGD at most 1e-10 with ideal primitives; with compiled "
        "weights at most 1e-3 at the default c, falling at least 10x with each decade of c from 1e-1 to 1e-4",
        cells=[
            {"tasks": [{_FIDELITY: {"d": 8, "n": 20}}], "models": [{_SGD: {"level": "exact"}}], "seeds": 3},
            {
                "tasks": [{_FIDELITY: {"d": 8, "n": 20}}],
                "models": [{_SGD: {"level": "compiled", "c": [1e-1, 1e-2, 1e-3, 1e-4, 1e-5]}}],
                "seeds": 3,
            },
        ],
        check=all_of(
            measured("relative-gap", _SGD, level="exact").each().at_most(1e-10),
            measured("relative-gap", _SGD, level="compiled", c=1e-5).each().at_most(1e-3),
            measured("relative-gap", _SGD, level="compiled", c=[1e-1, 1e-2, 1e-3, 1e-4])
            .growth(over="c")
            .each()
            .at_least(10),
        ),
    ),
    Claim(
        "ridge-program-exact",
        "A transformer of O(d^2) rows runs ridge regression by one Sherman-Morrison update per example.",
        figure="exact, Theorem 2 (a proof)",
        criterion="n = 20: largest-gap to scikit-learn's Ridge at most 1e-8 for d in {2, 4, 8} with ideal primitives; "
        "relative-gap at most 1e-3 with compiled weights",
        cells=[
            {"tasks": [{_FIDELITY: {"d": [2, 4, 8]}}], "models": [{_RIDGE: {"level": "exact"}}], "seeds": 5},
            {"tasks": [{_FIDELITY: {"d": [2, 4, 8]}}], "models": [{_RIDGE: {"level": "compiled"}}], "seeds": 3},
        ],
        check=all_of(
            measured("largest-gap", _RIDGE, level="exact").each().at_most(1e-8),
            measured("relative-gap", _RIDGE, level="compiled").each().at_most(1e-3),
        ),
    ),
    Claim(
        "space-scaling",
        "The residual stream needs O(d) rows for gradient descent and O(d^2) for ridge regression; depth is free of d.",
        figure="O(d) and O(d^2) rows, O(1) layers per example, Theorems 1 and 2",
        criterion="slope of log hidden-rows over log d, d = 16..128: 1 +- 0.15 (SGD), 2 +- 0.15 (ridge); "
        "layers-per-example the same for every d",
        cells=[
            {
                "tasks": [{_FIDELITY: {"d": [16, 32, 64, 128], "n": 2, "batch": 2}}],
                "models": [_SGD, _RIDGE],
                "seeds": 1,
            }
        ],
        check=all_of(
            measured("hidden-rows", _SGD).slope(over="d").each().within(0.85, 1.15),
            measured("hidden-rows", _RIDGE).slope(over="d").each().within(1.85, 2.15),
            measured("layers-per-example", [_SGD, _RIDGE]).spread(over="d").each().equals(0),
        ),
    ),
    Claim(
        "bayes-ridge",
        "A transformer trained on noisy linear prompts predicts as ridge regression with the Bayes-optimal penalty.",
        figure="spd smallest on all five diagonal entries, 3.3e-5 at sigma^2 / tau^2 = 1/4, figure 2",
        criterion="d = 2, n = 8: mean over 5 seeds of spd-ridge is smallest at penalty = noise^2 for 2 or more of the "
        "ratios 1/16, 1/4, 4/9. A decoder trained for 2000 steps instead of 500 000 looks over-regularised, the more "
        "so with d; weaker, and also reported: spd-ridge there is below that to OLS",
        cells=[
            {
                "tasks": [{"in-context/regression": {"d": 2, "n": 8, "batch": 1000, "noise": [0.25, 0.5, 2 / 3]}}],
                "models": [
                    _TRAINED,
                    "in-context/posterior-mean",
                    "in-context/ols",
                    "in-context/one-pass-sgd",
                    "in-context/one-step-gradient-descent",
                    "in-context/averaging",
                ],
                "seeds": 5,
            }
        ],
        check=at_least_of(
            2,
            *(
                (
                    measured("spd-ridge", _TRAINED, noise=noise, penalty=optimal).mean(over="seed")
                    / measured("spd-ridge", _TRAINED, noise=noise, penalty=others)
                    .mean(over="seed")
                    .smallest(over="penalty")
                ).at_most(1)
                for noise, optimal, others in (
                    (1 / 4, 1 / 16, (0, 1 / 9, 1 / 4, 4 / 9, 1, 2)),
                    (1 / 2, 1 / 4, (0, 1 / 16, 1 / 9, 4 / 9, 1, 2)),
                    (2 / 3, 4 / 9, (0, 1 / 16, 1 / 9, 1 / 4, 1, 2)),
                )
            ),
        ),
    ),
]

paper = Paper(
    title="What learning algorithm is in-context learning? Investigations with linear models",
    arxiv="2211.15661",
    year=2023,
    venue="ICLR",
    code="https://github.com/ekinakyurek/google-research/tree/master/incontext",
    tasks=[ProgramFidelity, ImplicitWeights],
    constructions=[SgdProgram, RidgeProgram],
    claims=claims,
)
