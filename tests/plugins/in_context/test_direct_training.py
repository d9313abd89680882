"""Networks trained on single prompts: many at once against one by one, early stopping, prefixes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness import Along, Context
from harness_plugins.in_context.arenas.direct_training import DirectTraining, on_prefixes
from harness_plugins.in_context.arenas.synthetic import NetworkRegression
from harness_plugins.in_context.arenas.trained_networks import train_networks

SETTINGS = {"steps": 30, "learning_rate": 0.03, "leak": 0.1}


def generator():
    return torch.Generator().manual_seed(0)


def data(P=3, n=10, d=2):
    X = torch.randn(P, n, d, generator=generator(), dtype=torch.float64)
    return X, X[..., 0].abs() - X[..., 1]


def sequential(networks, which, leak):
    """One of the networks, as torch's own modules."""
    layers = []
    for V, b in zip(networks.weights, networks.biases, strict=True):
        layer = nn.Linear(V.shape[2], V.shape[1], dtype=V.dtype)
        layer.load_state_dict({"weight": V[which].detach(), "bias": b[which, 0].detach()})
        layers += [layer, nn.LeakyReLU(leak)]
    return nn.Sequential(*layers[:-1])


def test_many_networks_train_as_each_would_alone():
    """Against torch's modules and Adam, network by network, with the same stops."""
    X, Y = data()
    seen = torch.arange(10).expand(3, -1) < torch.tensor([[10], [7], [3]])  # the last has too few to hold any out
    untrained = train_networks(X, Y, seen, [4, 3], steps=0, learning_rate=0.1, leak=0.1, generator=generator())
    found = train_networks(X, Y, seen, [4, 3], **SETTINGS, generator=generator())
    for which, (shown, held_out) in enumerate(((8, 2), (6, 1), (3, 0))):
        net = sequential(untrained, which, 0.1)
        adam = torch.optim.Adam(net.parameters(), lr=0.03)
        best, answers = np.inf, None
        for step in range(31):
            errors = (net(X[which])[:, 0] - Y[which]).square()
            judged = errors[shown : shown + held_out] if held_out else errors[:shown]
            if step % 10 == 0 and judged.mean() < best:
                best, answers = judged.mean().item(), net(X[which]).detach()
            adam.zero_grad()
            errors[:shown].mean().backward()
            adam.step()
        torch.testing.assert_close(found(X)[which].detach(), answers)
        torch.testing.assert_close(sequential(found, which, 0.1)(X[which]), answers)


def test_what_is_not_seen_does_not_matter():
    X, Y = data()
    seen = torch.arange(10).expand(3, -1) < 6
    spoilt_X, spoilt_Y = X.clone(), Y.clone()
    spoilt_X[:, 6:], spoilt_Y[:, 6:] = 9.0, -9.0
    nets = [
        train_networks(*shown, [4], **SETTINGS, generator=generator())
        for shown in (
            (X, Y, seen),
            (spoilt_X, spoilt_Y, seen),
            (X[:, :6], Y[:, :6], torch.ones(3, 6, dtype=torch.bool)),
        )
    ]
    for other in nets[1:]:
        torch.testing.assert_close(nets[0](X), other(X))


def test_the_weights_kept_are_the_best_on_what_is_held_out():
    """Trained on noise, a network only gets worse: it is given back as it was early on."""
    X, _ = data(P=4, n=10)
    Y = torch.randn(4, 10, generator=generator(), dtype=torch.float64)
    seen = torch.ones(4, 10, dtype=torch.bool)
    errors = [
        (
            train_networks(X, Y, seen, [16], steps=steps, learning_rate=0.03, leak=0.1, generator=generator())(X)[
                ..., 0
            ]
            - Y
        )
        .square()[:, 8:]
        .mean(1)
        for steps in (0, 50, 300)
    ]
    assert (errors[1] <= errors[0]).all()
    assert (errors[2] <= errors[1]).all()


def test_training_learns_what_linear_regression_cannot():
    X = np.random.default_rng(0).standard_normal((4, 260, 2))
    Y = np.abs(X[..., 0]) - X[..., 1]
    answers = DirectTraining(layers=2).fit(X[:, :60], Y[:, :60], X[:, 60:])
    linear = [x[60:] @ np.linalg.lstsq(x[:60], y[:60], rcond=None)[0] for x, y in zip(X, Y, strict=True)]
    assert np.mean((answers - Y[:, 60:]) ** 2) < 0.05
    assert np.mean((np.stack(linear) - Y[:, 60:]) ** 2) > 0.5


@pytest.mark.parametrize(("every", "fitted"), [(1, [5, 4, 3, 2, 1]), (2, [5, 3, 1]), (5, [5]), (9, [5])])
def test_prefixes_are_counted_from_the_last_example(every, fitted):
    X, Y = np.zeros((2, 6, 1)), np.zeros((2, 5))
    X[..., 0] = np.arange(6)
    sizes = []

    def fit(x, y, queries):
        sizes.append(y.shape[1])
        assert x.shape == (2, y.shape[1], 1)
        assert (queries[..., 0] >= y.shape[1]).all()  # causal
        return 10.0 * y.shape[1] + queries[..., 0]

    predictions = on_prefixes(fit, X, Y, every)
    assert sizes == fitted
    last = np.array([max([size for size in fitted if size <= i], default=0) for i in range(6)])
    np.testing.assert_array_equal(predictions, np.tile(np.where(last > 0, 10 * last + np.arange(6), 0), (2, 1)))


def test_it_enters_the_arena_at_smoke_scale():
    task = NetworkRegression(**NetworkRegression.scales["smoke"])
    instance = task.instance(Context(0))
    model = DirectTraining(**DirectTraining.scales["smoke"])
    outcome = task.run(model, instance, Context(1))
    for metric in task.metrics:
        value = metric(instance, outcome)
        assert np.isfinite(value.values if isinstance(value, Along) else value).all()
    np.testing.assert_array_equal(outcome, task.run(model, instance, Context(1)))
    later_X, later_Y = instance.X.copy(), instance.Y.copy()
    later_X[:, 4:], later_Y[:, 3:] = 1, 2
    np.testing.assert_array_equal(model.predict(later_X, later_Y)[:, :4], outcome[:, :4])


@pytest.mark.parametrize("bad", [{"layers": 0}, {"hidden": 0}, {"steps": 0}, {"every": 0}, {"learning_rate": 0.0}])
def test_impossible_parameters_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        DirectTraining(**bad)
