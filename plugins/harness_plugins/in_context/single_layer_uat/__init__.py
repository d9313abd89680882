"""Universal approximation theorem for a single-layer transformer: one layer of attention, one FFN (arXiv:2507.10581).

E. Gumaan, 2025. One layer of self-attention and one position-wise ReLU network approximate every continuous map of
sequences F: [0, 1]^(T x d) -> R^(T x d). The proof idea is that attention partitions the domain and routes to stored
outputs; the theorem comes without weights. Here they are written down; vec(X) = [x_1; ...; x_T] are n = T d numbers.

1. Embedding: token i holds x_i, its position e_i and a 1.
2. Attention gives every token all of vec(X). `gather: slots`: x_i stands in block i of n slots, one head with Q = K = 0
   takes the mean of all tokens, its value matrix is T times the identity. `gather: heads`: head i attends to token i.
3. Network: a bias of -M (1 - e_i) keeps hidden units at zero in all tokens but i: each token has a network of its own.
   `HatBasis`: hats on a grid of each coordinate, which interpolate F if it is a sum of functions of one coordinate each
   (any F of n = 1), with error at most lipschitz / (2 g). `RidgeFit`: random ReLU ridge functions of vec(X), output
   weights by least squares, for every F.
4. `Route` is the proof idea: P prototypes c and their F(c) are further tokens of the prompt, a second attention layer
   with scores beta (<vec(X), c> - |c|^2 / 2) finds the nearest, the network keeps token i's block of its F(c).

`weights` shows all matrices and `forward` multiplies them out (`_transformer.py`); `apply` gives the same answer
without the zeros. Baselines are the same block without attention, the same without its network, and a transformer of
two layers trained by Adam; `in-context/nearest-prototype` is the table that `Route` should equal.

Where this departs from the paper or from common sketches of the proof, and why:
- Placing x_i in block i takes an embedding matrix for each position: no shared matrix with a position vector added is
  able to, as e_i x_i is not affine in (x_i, e_i). With a shared embedding it takes T heads: `gather: heads`.
- `Route`'s queries must hold vec(X) already, so it has two layers of attention; the witness of the theorem is 2 with 3.
- Products of hats are no one-layer basis for n >= 2: relu(sum of hats - (n - 1)) sums to 1 at knots and 0 at the
  centres of cells. `HatBasis` therefore keeps to sums, and misses what is none (sort, x_i max_j x_j) by a constant.
- Neighbouring hats share their units: g + 1 per coordinate instead of three for each knot.
- `RidgeFit` is fitted to points that are denser towards the faces of the cube: uniform ones leave the edges bad.
- `Route`'s softmax over a grid is a product of one softmax per coordinate, each concentrated on three cells at the
  default sharpness; `apply` sums these 3^n cells, whatever P is.

    harness run suites/in_context/approximation.yaml
"""

from __future__ import annotations

from harness import Claim, Paper, all_of, measured, ratio
from harness_plugins.in_context.single_layer_uat._models import (
    AttentionOnly,
    FeedForwardOnly,
    HatBasis,
    RidgeFit,
    Route,
    TrainedTransformer,
)

_TASK = "in-context/sequence-approximation"
_ROUTE = "single-layer-uat/route"
_RIDGE = "single-layer-uat/ridge-fit"
_FEED_FORWARD = "single-layer-uat/feed-forward-only"
_MAPS = ["sort", "times-max", "sine-of-mean", "running-mean"]

claims = [
    Claim(
        "rate-route",
        "Routing to the nearest of P stored outputs approximates a Lipschitz map at the rate P^(-1/(T d)).",
        figure="none: the paper proves existence; the rate is that of a grid's cell radius",
        criterion="slope of log sup-err over log P for four maps: [-0.65, -0.35] for T = 2 (P = 64..4096) and "
        "[-0.45, -0.22] for T = 3 (P = 64..4096), d = 1",
        cells=[
            {
                "tasks": [{_TASK: {"map": _MAPS, "T": 2}}],
                "models": [{_ROUTE: {"prototypes": [64, 256, 1024, 4096]}}],
                "seeds": 5,
            },
            {
                "tasks": [{_TASK: {"map": _MAPS, "T": 3}}],
                "models": [{_ROUTE: {"prototypes": [64, 216, 512, 1728, 4096]}}],
                "seeds": 5,
            },
        ],
        check=all_of(
            measured("sup-err", _ROUTE, T=2).slope(over="prototypes").within(-0.65, -0.35),
            measured("sup-err", _ROUTE, T=3).slope(over="prototypes").within(-0.45, -0.22),
        ),
    ),
    Claim(
        "attention-needed",
        "Without attention the block does not approximate a map that mixes tokens, whatever its size.",
        figure="none in numbers: the theorem's attention layer; the least possible error without is 0.0563 (exact)",
        criterion="x_i max_j x_j, T = 2: rms-err of the fitted network without attention at least 5 times that of the "
        "whole block with 256 units, with no fewer parameters",
        cells=[
            {
                "tasks": [{_TASK: {"map": "times-max"}}],
                "models": [{_RIDGE: {"width": 256}}, {_FEED_FORWARD: {"width": 264}}],
                "seeds": 5,
            }
        ],
        check=all_of(
            ratio("rms-err", _FEED_FORWARD, _RIDGE).at_least(5),
            ratio("n-params", _FEED_FORWARD, _RIDGE).each().at_least(1),
        ),
    ),
    Claim(
        "eps-reached",
        "For every continuous map and every eps some width of the one-layer block is within eps everywhere.",
        figure="the theorem; no width is given",
        criterion="eps = 0.05, T = 2, sort and the other three maps: the smallest sup-err among widths 256 to 2048 "
        "(4096 are allowed) is at most 0.05",
        cells=[
            {
                "tasks": [{_TASK: {"map": _MAPS, "eps": 0.05}}],
                "models": [{_RIDGE: {"width": [256, 512, 1024, 2048]}}],
                "seeds": 5,
            }
        ],
        check=measured("sup-err", _RIDGE).smallest(over="width").at_most(0.05),
    ),
]

paper = Paper(
    title="Universal Approximation Theorem for a Single-Layer Transformer",
    arxiv="2507.10581",
    year=2025,
    venue="-",
    constructions=[RidgeFit, HatBasis, Route],
    baselines=[FeedForwardOnly, AttentionOnly, TrainedTransformer],
    claims=claims,
)
