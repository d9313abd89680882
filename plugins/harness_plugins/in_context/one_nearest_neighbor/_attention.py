"""One attention layer whose only parameter is W = Q^T K: its answers, its gradient in closed form, its training.

Shapes: B prompts, N examples, d features. A prompt is N + 1 tokens of d + 2 coordinates, one a row:

    h_i = [x_i, y_i, 0] for the examples,    h = h_(N+1) = [x_(N+1), 0, 1] for the query,

and the answer is the label coordinate of sum_i p_i h_i, with p = softmax(s) and s_i = <h_i, W h>. As
ds_i / dW = h_i h^T and dp_i / ds_j = p_i (1[i=j] - p_j), the loss L(W) = 1/2 mean (answer - target)^2 has

    grad L = mean  (answer - target) (sum_i g_i h_i) h^T,    g_i = p_i (y_i - answer),

where y_(N+1) = 0. Linear attention takes p = s / (N + 1), so that g_i = y_i / (N + 1): its loss is quadratic in W.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from harness_plugins.in_context.arenas.laws.law import Law
from harness_plugins.in_context.arenas.prompts import FloatArray

Kind: TypeAlias = Literal["softmax", "linear"]
Training: TypeAlias = Literal["gradient-descent", "exact"]


def tokens(X: FloatArray, Y: FloatArray) -> FloatArray:
    """X (B, N+1, d), Y (B, N) -> the tokens as rows, (B, N+1, d+2)."""
    batch, length, d = X.shape
    H = np.zeros((batch, length, d + 2))
    H[:, :, :d] = X
    H[:, :-1, d] = Y
    H[:, -1, d + 1] = 1.0
    return H


def respond(W: FloatArray, H: FloatArray, kind: Kind) -> tuple[FloatArray, FloatArray]:
    """Answers (B,) to prompts H (B, N+1, d+2), and their derivatives g (B, N+1) by the scores."""
    labels = H[:, :, -2]
    if kind == "linear":
        g = labels / H.shape[1]
        return np.einsum("bi,bi->b", _scores(W, H), g), g
    p = _softmax(_scores(W, H))
    answers = np.einsum("bi,bi->b", p, labels)
    return answers, p * (labels - answers[:, None])


def loss_and_gradient(W: FloatArray, H: FloatArray, targets: FloatArray, kind: Kind) -> tuple[float, FloatArray]:
    """L(W) and its gradient (d+2, d+2) on prompts H (B, N+1, d+2) with targets (B,)."""
    answers, g = respond(W, H, kind)
    residual = answers - targets
    pulled = (g[:, None] @ H)[:, 0] * residual[:, None]  # (B, d+2): (answer - target) sum_i g_i h_i
    return 0.5 * float(np.mean(residual**2)), pulled.T @ H[:, -1] / len(H)


def initial(d: int, corner: float) -> FloatArray:
    """W(0) (d+2, d+2): zero but for the indicator's corner -sigma, which keeps the query from attending to itself."""
    W = np.zeros((d + 2, d + 2))
    W[-1, -1] = -corner
    return W


def train(
    *,
    law: Law,
    kind: Kind,
    training: Training,
    corner: float,
    prompts: int,
    steps: int,
    learning_rate: float,
    seed: int,
) -> dict[str, FloatArray]:
    """Gradient descent with a constant step, on the loss of all prompts at once; every entry of W is free.

    Args:
        law: what the prompts are drawn from; their queries' targets are learnt.
        kind: softmax or linear attention.
        training: `exact` goes to the minimum at once, which a quadratic loss has in closed form: linear attention only.
        corner: sigma of W(0).
        prompts: training prompts.
        steps: of gradient descent.
        learning_rate: step size.
        seed: of the prompts.

    Returns:
        `W` (d+2, d+2) and `loss`, before each step and after the last.

    Raises:
        ValueError: the training has no such form, or did not stay finite.
    """
    X, Y, targets = law.draw(np.random.default_rng(seed), prompts)
    H, wanted = tokens(X, Y), targets[:, -1]
    W = initial(law.d, corner)
    if training == "exact":
        W = _least_squares(H, wanted, kind)
        return {"W": W, "loss": np.array([loss_and_gradient(W, H, wanted, kind)[0]])}
    losses = np.empty(steps + 1)
    for step in range(steps):
        losses[step], gradient = loss_and_gradient(W, H, wanted, kind)
        W -= learning_rate * gradient
    losses[steps] = loss_and_gradient(W, H, wanted, kind)[0]
    if not np.isfinite(losses[steps]):
        raise ValueError(f"gradient descent diverged: a learning rate of {learning_rate} is too large")
    return {"W": W, "loss": losses}


def predict(W: FloatArray, X: FloatArray, Y: FloatArray, kind: Kind) -> FloatArray:
    """The layer's answer at every position of X (B, n+1, d), Y (B, n), from the pairs before it: (B, n+1).

    Each position is the query of a prompt of its own; all of them are read in one pass.
    """
    batch, length, _ = X.shape
    indicator = np.concatenate([X, np.zeros((batch, length, 1)), np.ones((batch, length, 1))], axis=2)
    examples = np.concatenate([X[:, :-1], Y[:, :, None], np.zeros((batch, length - 1, 1))], axis=2)
    asked = indicator @ W.T  # (B, n+1, d+2): W h
    scores = asked @ examples.transpose(0, 2, 1)  # (B, n+1, n)
    before = np.tri(length, length - 1, -1, dtype=bool)
    if kind == "linear":
        means: FloatArray = np.einsum("bij,bj->bi", np.where(before, scores, 0.0), Y) / np.arange(1, length + 1)
        return means
    own = np.einsum("bik,bik->bi", asked, indicator)[:, :, None]  # what the query has for itself
    p = _softmax(np.concatenate([np.where(before, scores, -np.inf), own], axis=2))
    answers: FloatArray = np.einsum("bij,bj->bi", p[:, :, :-1], Y)
    return answers


def _scores(W: FloatArray, H: FloatArray) -> FloatArray:
    """<h_i, W h> of every token, (B, N+1)."""
    scores: FloatArray = (H @ (H[:, -1] @ W.T)[:, :, None])[:, :, 0]
    return scores


def _softmax(scores: FloatArray) -> FloatArray:
    p: FloatArray = np.exp(scores - scores.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p


def _least_squares(H: FloatArray, targets: FloatArray, kind: Kind) -> FloatArray:
    """The W (d+2, d+2) of least norm among those of least loss: the answer is <W, (sum_i g_i h_i) h^T>."""
    if kind != "linear":
        raise ValueError("only linear attention has a quadratic loss, whose minimum is known exactly")
    pulled = (H[:, None, :, -2] / H.shape[1] @ H)[:, 0]  # (B, d+2)
    products = np.einsum("bj,bk->bjk", pulled, H[:, -1]).reshape(len(H), -1)
    W: FloatArray = np.linalg.lstsq(products, targets, rcond=None)[0].reshape(H.shape[2], -1)
    return W
