"""The tasks of the transformer that trains deep networks: models, metrics, the arena, and claims that can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from harness import Along, Context, InvalidOutcomeError
from harness.checks.evidence import Point
from harness.checks.ruling import rule
from harness.checks.verdict import Verdict
from harness.claims.choice import choose
from harness.claims.gather import COLUMNS, evidence
from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness_plugins.in_context._constructed import ReluMlp
from harness_plugins.in_context.arenas.synthetic import NetworkRegression
from harness_plugins.in_context.arenas.tables import TabularRegression
from harness_plugins.in_context.icl_deep_gd import (
    DirectTraining,
    ExactGradientDescent,
    ReluTransformer,
    Ridge,
    SoftmaxTransformer,
    StepTime,
    TrainNetwork,
    claims,
)
from harness_plugins.in_context.icl_deep_gd._layout import Layout
from harness_plugins.in_context.icl_deep_gd._problem import Trained
from harness_plugins.in_context.icl_deep_gd._reference import step
from harness_plugins.in_context.icl_deep_gd._transformer import DescentTransformer

# Tasks

MODELS = [ReluTransformer(), ReluTransformer(path="dense"), SoftmaxTransformer(features=16), ExactGradientDescent()]
MODELS += [DirectTraining(steps=20), Ridge()]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_models_train_networks_at_smoke_scale(model):
    task = TrainNetwork(**TrainNetwork.scales["smoke"], curvature=True)
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    values = {metric.name: metric(instance, outcome) for metric in task.metrics}
    for value in values.values():
        assert value is None or np.isfinite(value.values if isinstance(value, Along) else value).all()
    again = task.run(model, instance, Context(1))
    np.testing.assert_array_equal(outcome.predictions, again.predictions)
    if outcome.trajectory is None:
        assert values["param-gap"] is values["gap-curve"] is values["step-error"] is values["share-of-bound"] is None
    else:
        assert (values["share-of-bound"] is None) == isinstance(model, ExactGradientDescent)  # makes no error
        np.testing.assert_array_equal(outcome.trajectory, again.trajectory)
        np.testing.assert_array_equal(outcome.trajectory[0], instance.start)
        assert values["gap-curve"].values[-1] == pytest.approx(values["param-gap"], abs=1e-15)


def test_metrics_are_what_they_say():
    task = TrainNetwork(n=8, steps=3, queries=5, curvature=True)
    instance = task.instance(Context(3))
    shift = np.zeros_like(instance.trajectory)
    shift[1:, 0] = [1e-3, 2e-3, 3e-3]
    outcome = Trained(instance.answers + 2, instance.trajectory + shift, 0.5, 24, 7)
    values = {metric.name: metric(instance, outcome) for metric in task.metrics}
    assert values["mse-query"] == pytest.approx(4)
    assert values["param-gap"] == pytest.approx(3e-3)
    moved = np.linalg.norm(instance.trajectory[-1] - instance.start)
    assert values["distance-moved"] == pytest.approx(moved)
    assert values["relative-param-gap"] == pytest.approx(3e-3 / moved)
    np.testing.assert_allclose(values["gap-curve"].values, [0, 1e-3, 2e-3, 3e-3], atol=1e-15)
    assert (values["spread"], values["layers-per-step"], values["heads-per-step"]) == (0.5, 8, 7)
    # each step is off by some 1e-3, what curvature makes of the one before apart
    assert values["step-error"] == pytest.approx(1e-3 / 0.05, rel=0.5)
    L, eps = 1.1 * instance.curvature, values["step-error"]
    bounds = (1 + 0.05 * L) ** np.arange(1, 4) * eps / L
    np.testing.assert_allclose(values["share-of-bound"].values, np.array([1e-3, 2e-3, 3e-3]) / bounds)


def test_the_instance_is_gradient_descent_on_a_network_of_unit_variance():
    task = TrainNetwork(layers=3, n=20, steps=4, queries=2000)
    instance = task.instance(Context(0))
    assert instance.widths == (4, 5, 5, 1)
    assert instance.answers.std() == pytest.approx(1, abs=0.15)
    X, Y, w = (torch.from_numpy(array) for array in (instance.X, instance.Y[:, None], instance.start))
    expected = w[None]
    for _ in range(4):
        expected = step(Layout(instance.widths), instance.descent, expected, X[None], Y[None])
    np.testing.assert_array_equal(instance.trajectory[-1], expected[0].numpy())
    again = task.instance(Context(0))
    np.testing.assert_array_equal(instance.trajectory, again.trajectory)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"predictions": np.zeros(4)}, "predictions must be"),
        ({"predictions": None}, "predictions must be"),
        ({"predictions": np.full(5, np.nan)}, "not finite"),
        ({"trajectory": np.zeros((2, 2))}, "weights must be"),
    ],
)
def test_illegal_outcomes_are_invalid(change, complaint):
    task = TrainNetwork(**TrainNetwork.scales["smoke"])
    instance = task.instance(Context(0))

    class Broken:
        def train(self, problem, context):
            return replace(Trained(np.zeros(5)), **change)

    with pytest.raises(InvalidOutcomeError, match=complaint):
        task.run(Broken(), instance, Context(1))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: TrainNetwork(steps=0), "steps and queries"),
        (lambda: TrainNetwork(learning_rate=0.0), "learning_rate"),
        (lambda: TrainNetwork(box=-1.0), "box"),
        (lambda: TrainNetwork(delta=0.0), "delta"),
        (lambda: TrainNetwork(layers=0), "layers"),
        (lambda: StepTime(repeats=0), "repeats"),
        (lambda: ReluTransformer(every=0), "every"),
        (lambda: ExactGradientDescent(learning_rate=-1.0), "learning_rate"),
        (lambda: ReluTransformer(delta=0.0), "delta"),
        (lambda: DirectTraining(steps=0), "steps"),
    ],
)
def test_impossible_parameters_are_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


# The arena

SMALL = {"layers": 2, "hidden": 3, "steps": 3}


@pytest.mark.parametrize("kind", [NetworkRegression, TabularRegression])
@pytest.mark.parametrize(
    "model",
    [ReluTransformer(**SMALL), SoftmaxTransformer(**SMALL, features=8, every=3), ExactGradientDescent(**SMALL)],
    ids=lambda model: type(model).__name__,
)
def test_models_enter_the_arena_at_smoke_scale(model, kind):
    task = kind(**kind.scales["smoke"])
    instance = task.instance(Context(0))
    outcome = task.run(model, instance, Context(1))
    for metric in task.metrics:
        value = metric(instance, outcome)
        assert np.isfinite(value.values if isinstance(value, Along) else value).all()
    np.testing.assert_array_equal(outcome, task.run(model, instance, Context(1)))


def test_in_the_arena_too_the_transformer_equals_gradient_descent():
    X, Y, _ = NetworkRegression(d=3, n=5, batch=4).law().draw(np.random.default_rng(0), 4)
    transformer, exact = (kind(**SMALL, delta=0.5) for kind in (ReluTransformer, ExactGradientDescent))
    found = transformer.predict(X, Y)
    np.testing.assert_allclose(found, exact.predict(X, Y), atol=1e-3)
    later_X, later_Y = X.copy(), Y.copy()
    later_X[:, 4:], later_Y[:, 3:] = 1, 2
    np.testing.assert_allclose(transformer.predict(later_X, later_Y)[:, :4], found[:, :4], atol=1e-12)  # causal
    assert not found[:, 0].any()


@pytest.mark.parametrize("model", [ReluTransformer(**SMALL), DirectTraining(steps=2)], ids=lambda m: type(m).__name__)
def test_bad_prompts_are_refused(model, refuses_bad_prompts):
    X, Y, _ = NetworkRegression(d=3, n=5, batch=4).law().draw(np.random.default_rng(0), 4)
    refuses_bad_prompts(model, X, Y)


# Speed


def test_operations_train_what_the_task_shows():
    task = StepTime(**StepTime.scales["smoke"])
    instance = task.instance(Context(0))
    operation = task.operation("train", ReluTransformer(), instance, Context(1))
    assert (operation.items, operation.item) == (2, "step")
    np.testing.assert_array_equal(operation.call().trajectory, ReluTransformer().train(instance, Context(1)).trajectory)
    timed = task.run(ReluTransformer(), instance, Context(1))
    assert timed.ratio > 0
    assert timed.milliseconds > 0


# Claims

EMPTY = pa.table({name: pa.array([], pa.string()) for name in COLUMNS})


@pytest.fixture(scope="module")
def chosen():
    """The claims with their cells, none of them run."""
    found = choose(["icl-deep-gd"], Catalogue(), Plugins().backends(), "claim", pytest.fail)
    return {one.name.split("/")[1]: one for one in found}


def verdict(claim, found) -> Verdict:
    """What a claim's check says if `found(cell)` is what each cell measured, by metric; a curve is a mapping."""

    def points(value):
        return [Point(one, {"step": at}) for at, one in value.items()] if isinstance(value, Mapping) else [Point(value)]

    planned = evidence(claim.cases, EMPTY)
    cells = [
        replace(cell, status="ok", values={metric: points(value) for metric, value in found(cell).items()})
        for cell in planned.cells
    ]
    return rule(claim.claim.check, replace(planned, cells=cells)).verdict


def test_layer_count_can_fail(chosen):
    def measured(extra, spread):
        return lambda cell: {"layers-per-step": 2 * cell.settings["layers"] + 4 + extra, "spread": spread}

    assert verdict(chosen["layer-count"], measured(0, 1e-16)) is Verdict.HELD
    assert verdict(chosen["layer-count"], measured(1, 1e-16)) is Verdict.FAILED
    assert verdict(chosen["layer-count"], measured(0, 1e-6)) is Verdict.FAILED


def without_the_factor(self):
    """The update as if attention divided by n and not by n + 1."""
    scaled = replace(self.descent, learning_rate=self.descent.learning_rate * self._n / (self._n + 1))
    return UPDATE(Scaled(self, scaled))


class Scaled:
    """A transformer with another algorithm."""

    def __init__(self, transformer, descent):
        self.__dict__ = {**vars(transformer), "descent": descent}
        self._attention = transformer._attention


UPDATE = DescentTransformer._update


def never_clearing(self):
    """The projection alone: the next step finds the scratch of this one."""
    layout = self.layout
    units = [([(slot, sign)], -self.descent.box, [(slot, -sign)]) for slot in layout.w for sign in (1.0, -1.0)]
    return ReluMlp(layout.D, units)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({}, Verdict.HELD),
        ({"_update": without_the_factor}, Verdict.FAILED),
        ({"_project_and_clear": never_clearing}, Verdict.FAILED),
    ],
    ids=["whole", "factor forgotten", "scratch kept"],
)
def test_gd_match_and_the_bound_fail_for_a_broken_layer(chosen, monkeypatch, broken, expected):
    for name, method in broken.items():
        monkeypatch.setattr(DescentTransformer, name, method)
    found = {}
    for layers, d, hidden in ((2, 4, 5), (3, 4, 5), (4, 3, 4), (6, 3, 4)):
        task = TrainNetwork(layers, d, hidden, steps=2, curvature=True)
        instance = task.instance(Context(3))
        outcome = ReluTransformer(mask=1e4).train(instance, Context(0))
        values = {metric.name: metric(instance, outcome) for metric in task.metrics}
        curve = values["share-of-bound"]
        shares = dict(zip(curve.coordinates["step"], curve.values, strict=True))
        found[layers] = {**{name: value for name, value in values.items() if isinstance(value, float)}}
        found[layers]["share-of-bound"] = {int(at): float(share) for at, share in shares.items()}
    assert verdict(chosen["gd-match"], lambda cell: found[cell.settings["layers"]]) is expected
    # errors of single steps explain what becomes of it, broken or not
    assert verdict(chosen["corollary-bound"], lambda cell: found[cell.settings["layers"]]) is Verdict.HELD


def test_gd_match_fails_if_gradient_descent_goes_nowhere(chosen):
    def dead(cell):
        return {"param-gap": 0.0, "relative-param-gap": 0.0, "distance-moved": 1e-5 if cell.seed % 2 else 0.1}

    assert verdict(chosen["gd-match"], dead) is Verdict.FAILED


def test_the_bound_can_be_broken(chosen):
    def drifting(share):
        return lambda cell: {"share-of-bound": {step: share * step for step in range(1, 51)}}

    assert verdict(chosen["corollary-bound"], drifting(0.02)) is Verdict.HELD
    assert verdict(chosen["corollary-bound"], drifting(0.021)) is Verdict.FAILED


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [(-2, Verdict.HELD), (0, Verdict.FAILED), (-1, Verdict.FAILED), (-3, Verdict.FAILED)],
)
def test_eps_order_tells_orders_apart(chosen, exponent, expected):
    def measured(cell):
        return {"param-gap": (1 + 0.1 * cell.seed) * 1e-3 * cell.settings["terms"] ** exponent}

    assert verdict(chosen["eps-order"], measured) is expected


@pytest.mark.parametrize(
    ("mse", "expected"),
    [
        ({}, Verdict.HELD),
        ({"relu-transformer": 0.25}, Verdict.FAILED),  # not what gradient descent comes to
        ({"ridge": 0.1}, Verdict.FAILED),  # a linear model is better
    ],
    ids=str,
)
def test_icl_matches_training_can_fail(chosen, mse, expected):
    usual = {"relu-transformer": 0.2, "exact-gradient-descent": 0.2, "ridge": 0.4, "direct-training": 0.1} | mse
    assert (
        verdict(chosen["icl-matches-training"], lambda cell: {"mse-query": usual[cell.model.split("/")[1]]}) is expected
    )


@pytest.mark.parametrize(
    ("layers", "exponent", "scale", "expected"),
    [
        (4, -0.5, 0.5, Verdict.HELD),
        (5, -0.5, 0.5, Verdict.FAILED),
        (4, 0.5, 1e-3, Verdict.FAILED),
        (4, -0.5, 9.0, Verdict.FAILED),
    ],
)
def test_softmax_variant_can_fail(chosen, layers, exponent, scale, expected):
    def measured(cell):
        gap = scale * (1 + 0.1 * cell.seed) * cell.settings["features"] ** exponent
        return {"layers-per-step": layers, "relative-param-gap": gap}

    assert verdict(chosen["softmax-variant"], measured) is expected


@pytest.mark.parametrize(("behind", "expected"), [(0.02, Verdict.HELD), (0.2, Verdict.FAILED)])
def test_meta_trained_matches_can_fail(chosen, behind, expected):
    def measured(cell):
        return {"r2": 0.9 + 0.001 * cell.seed - (behind if cell.model == "in-context/transformer" else 0)}

    assert verdict(chosen["meta-trained-matches"], measured) is expected


@pytest.mark.parametrize(
    ("ratios", "expected"), [((3.0, 1.0), Verdict.HELD), ((70.0, 1.0), Verdict.FAILED), ((3.0, 1.5), Verdict.FAILED)]
)
def test_speed_can_fail(chosen, ratios, expected):
    def measured(cell):
        return {"autograd-ratio": ratios["exact" in cell.model] * (1 + 0.001 * cell.seed)}

    assert verdict(chosen["speed"], measured) is expected


def test_every_claim_is_put_to_the_test(chosen):
    assert set(chosen) == {claim.name for claim in claims}
