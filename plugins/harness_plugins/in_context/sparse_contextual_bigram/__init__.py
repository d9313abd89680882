"""Learning and Transferring Sparse Contextual Bigrams with Linear Transformers (arXiv:2410.23438, NeurIPS 2024).

Y. Ren, Z. Wang, J. D. Lee. A bigram looks at the last token. In a *sparse contextual* bigram the last token k says
where to look: tokens x_1 .. x_{T+1} are i.i.d. from mu, Pr[x_o = j | x, x_{T+1} = k] = sum_t Q_{t,k} P_{j,x_t}, with a
few non-zeros in each column of Q and with P mu = mu (`arenas/languages/contextual_bigram.py`). One layer of linear
attention f = V X a^(k) can say this law exactly, by A = Q and V = P; the question is whether samples lead there
(`_attention.py`: f and its gradient).

`ProximalGradient` is the paper's algorithm (`_learners.py`). From A = 11^T / T, V = mu 1^T and C = diag(mu) - mu mu^T,

- both gradients are divided by mu, so that rare tokens learn as fast as frequent ones, and projected: that of V keeps
  columns that add up to 1 and V mu = mu, that of A keeps columns that add up to 1. In expectation they then are, with
  V' = V - mu 1^T and P' = P - mu 1^T, P' <q, a> - V' |a|^2 (the mean over k) and tr(V'^T P' C) q - tr(V' C V'^T) a. At
  the start V' grows by P' / T for a unit step and A does not move: *stage one*, a signal of size 1 / T in the noise of
  the samples. Once V' has grown, A finds q: *stage two*;
- V' += eta G_V / mean_k |a^(k)|^2, and A <- relu(A + eta G_A / tr(V' C V'^T) - eta lambda), the proximal step, with
  columns scaled back to the sum 1; one that would be emptied stays. The last 40 % of the steps are smaller.

Beside it: `GradientDescent` on A and V, `OneHotGradientDescent` (the same with matrices X and autograd, whose speed is
to be beaten), `SoftmaxAttention` A = softmax(Z) by Adam, and `OracleSupport`, told where Q is not 0. lambda = 0 is a
setting, `{penalty: 0}`. The tasks are `recovery` of P and Q, and `transfer` to a related law. `LinearTransformer` is
the trained layer as a language model, which meets other networks in `in-context/contextual-bigram-language`.

Where this departs from the paper, and what was found:
- The step sizes and their schedule are this module's. A may be frozen at the start (`value_steps`), which changes
  nothing at the end: the same errors to four digits with 0 and 30 % of the steps, seeds 0 to 2.
- X a^(k) is not centred by mu: the projection of the gradient of V takes out all that this changes (tested).
- Weights of Q that differ are pulled apart: the fixed point of the attention step is (q - lambda) / (1 - s lambda) for
  s positions, which is q only if they are all 1 / s. So `{weighting: random}` ends at errors of 0.1 to 0.3.
- A tie, eta lambda = 1 / T, leaves the first shrinkage of uniform attention to rounding.
- The two stages are not seen at 256 samples a step and T = 200: overlap 0.05 is passed after 2 to 4 steps, 0.5 four to
  nine steps later. They come forth where the signal 1 / T drowns: with 64 samples a step and eta = 0.01, the first took
  1300, 2700, 5200 and 6000 samples (geometric means of six laws, the same at each T) at T = 250, 500, 1000 and 2000,
  the second 2100, 1500, 1300 and 1100 (medians). By the claim's nine laws and three seeds the exponents are 0.70
  [0.50, 0.91] and 0.15 [0.11, 0.19], of which the first is just not told from the 1/2 that is asked for:
  `first-stage-grows` is inconclusive. With other laws at each T it was 1/3, as laws differ more than lengths do.
  Vanilla descent at rate 0.1 and T = 200 takes 80 to 420 steps for the first, and 300 more if it gets there.
- Transfer does not save samples here: A has all its mass on old positions and unlearns them at the rate eta, while a
  start from nothing has no stage one to be spared. Medians over four seeds, in samples of the new law, transferred
  against from nothing: 5400 and 3900 (eta 0.1), 24 700 and 8000 (eta 0.02), 4100 and 2400 (all positions kept, new
  weights). Even at T = 1000, 64 samples a step, eta = 0.01, where there is a stage one, 15 000 and 32 000 against
  14 000 and 32 000 (two seeds). Half of A replaced by uniform attention changes nothing, since the first shrinkage
  takes it away; values alone, with uniform attention, took 0.5, 0.8, 1.0 and 3.9 times the samples of four seeds from
  nothing (eta 0.1).

    harness claims sparse-contextual-bigram
    harness show sparse-contextual-bigram/recovery
"""

from __future__ import annotations

from harness import Claim, Paper, all_of, measured
from harness_plugins.in_context.sparse_contextual_bigram._language_model import LinearTransformer
from harness_plugins.in_context.sparse_contextual_bigram._learners import (
    GradientDescent,
    OneHotGradientDescent,
    OracleSupport,
    ProximalGradient,
    SoftmaxAttention,
)
from harness_plugins.in_context.sparse_contextual_bigram._recovery import Recovery
from harness_plugins.in_context.sparse_contextual_bigram._transfer import Transfer

_RECOVERY = "sparse-contextual-bigram/recovery"
_TRANSFER = "sparse-contextual-bigram/transfer"
_PROXIMAL = "sparse-contextual-bigram/proximal-gradient"
_DESCENT = "sparse-contextual-bigram/gradient-descent"

claims = [
    Claim(
        "prox-beats-sgd",
        "From small batches the proximal method recovers the attention pattern, which vanilla SGD does not.",
        figure="the method converges to the ground truth, SGD is too noisy or too slow at any rate; experiments, "
        "first figure",
        criterion="T = 200, batches of 256, 800 steps, 5 seeds: rel-err-a at most 0.1 in the median, and in the median "
        "at most half of what the best of four learning rates of SGD reaches on that seed",
        cells=[
            {
                "tasks": [_RECOVERY],
                "models": [_PROXIMAL, {_DESCENT: {"learning_rate": [0.03, 0.06, 0.1, 0.2]}}],
                "seeds": 5,
            }
        ],
        check=all_of(
            measured("rel-err-a", _PROXIMAL).share(0.5).at_most(0.1),
            (measured("rel-err-a", _PROXIMAL) / measured("rel-err-a", _DESCENT).smallest(over="learning_rate"))
            .share(0.5)
            .at_most(0.5),
        ),
    ),
    Claim(
        "l1-needed",
        "It is the l1 step that makes this so: without it, the same method does not recover the attention pattern.",
        figure="none given; the proof needs it",
        criterion="as above: rel-err-a at least 0.5 in the median with penalty 0, at most 0.1 with 0.2",
        cells=[{"tasks": [_RECOVERY], "models": [{_PROXIMAL: {"penalty": [0.0, 0.2]}}], "seeds": 5}],
        check=all_of(
            measured("rel-err-a", _PROXIMAL, penalty=0.0).share(0.5).at_least(0.5),
            measured("rel-err-a", _PROXIMAL, penalty=0.2).share(0.5).at_most(0.1),
        ),
    ),
    Claim(
        "two-stages",
        "Training begins with a stage that needs most of the samples, in which attention hardly moves.",
        figure="poly(T) samples for the first stage, poly(N, Q) for the second (theorems, main result)",
        criterion="as above, A free to move from the first step: initial-samples (to an overlap of 0.05) at least "
        "three times growth-samples (from there to 0.5). Expected to fail: T = 200 with batches of 256 is too easy",
        cells=[{"tasks": [_RECOVERY], "models": [_PROXIMAL], "seeds": 5}],
        check=(measured("initial-samples", _PROXIMAL) - 3 * measured("growth-samples", _PROXIMAL)).at_least(0),
    ),
    Claim(
        "first-stage-grows",
        "The first stage grows with the length of the prompt, the second does not.",
        figure="poly(T) samples for the first stage, poly(N, Q) for the second (theorems, main result)",
        criterion="batches of 64, eta = 0.01, T = 250 .. 2000, 9 laws, P and mu the same at each T: the exponent of "
        "initial-samples in T, a mean over the laws, is at least 1/2, that of growth-samples at most 1/4, the "
        "intervals over 3 seeds included",
        cells=[
            {
                "tasks": [
                    {_RECOVERY: {"T": [250, 500, 1000, 2000], "language": [*range(9)], "batch": 64, "steps": 1500}}
                ],
                "models": [{_PROXIMAL: {"learning_rate": 0.01}}],
                "seeds": 3,
            }
        ],
        check=all_of(
            measured("initial-samples", _PROXIMAL).slope(over="T").mean(over="language").at_least(0.5),
            measured("growth-samples", _PROXIMAL).slope(over="T").mean(over="language").at_most(0.25),
        ),
    ),
    Claim(
        "transfer",
        "Weights of a law with a correlated P spare the first stage on a new law.",
        figure="poly(N, Q) samples in place of poly(T) (theorem on transfer)",
        criterion="T = 200, one of two positions kept, correlation of P at least 0.5, 5 seeds: transferred-samples to "
        "errors below 0.2 at most 0.4 of scratch-samples (geometric mean). Expected to fail, see two-stages",
        cells=[{"tasks": [_TRANSFER], "models": [_PROXIMAL], "seeds": 5}],
        check=(measured("transferred-samples", _PROXIMAL) / measured("scratch-samples", _PROXIMAL)).at_most(0.4),
    ),
]

paper = Paper(
    title="Learning and Transferring Sparse Contextual Bigrams with Linear Transformers",
    arxiv="2410.23438",
    year=2024,
    venue="NeurIPS",
    tasks=[Recovery, Transfer],
    constructions=[ProximalGradient, LinearTransformer],
    baselines=[OneHotGradientDescent, GradientDescent, SoftmaxAttention],
    references=[OracleSupport],
    claims=claims,
)
