"""Cases: what identifies them, their seeds, and which of a suite's remain."""

from __future__ import annotations

import dataclasses
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.plan.case import Case, Fingerprint, content_hash
from harness.plan.planner import Planner

BASE = "name: a\nmatrix:\n  - tasks: [guessing/guess]\n    models: [guessing/mean]\n"
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def cases(check, catalogue):
    """The cases of a suite's text: `cases(text, only=[...])`."""

    def planned(text: str, *overrides: str, only=()) -> list[Case]:
        return Planner(catalogue).cases(check(text, *overrides), only)

    return planned


@pytest.fixture
def case(cases) -> Case:
    (one,) = cases(BASE)
    return one


@given(st.dictionaries(st.text(), plain, min_size=2, max_size=5), st.randoms())
def test_a_hash_does_not_depend_on_the_order_of_keys(value, rng):
    items = list(value.items())
    rng.shuffle(items)
    assert content_hash(dict(items)) == content_hash(value)


@given(st.lists(plain, min_size=2, max_size=2, unique_by=lambda value: json.dumps(value, sort_keys=True)))
def test_different_values_have_different_hashes(values):
    first, second = values
    assert content_hash(first) != content_hash(second)


def test_a_hash_is_this_one_on_every_machine():
    assert content_hash({"b": [1, 2.5, None], "a": "ü"}) == "961185d59d1d060b5936"


def test_identities_are_the_same_in_every_process(harness, suite, cases):
    text = f"{BASE}    seeds: 3\n".replace("guessing/guess", "guessing/guess: {spread: 2.0, size: [3, 4]}")
    result = harness("run", "--dry-run", "--json", str(suite(text)), PYTHONHASHSEED="7")
    assert [row["case"] for row in json.loads(result.stdout)] == [one.id for one in cases(text)]


@pytest.mark.parametrize(
    "changed",
    [
        BASE.replace("name: a", "name: b"),
        f"{BASE}limits: {{time: 1 s}}\n",
        f"{BASE}isolation: shared\n",
        f"{BASE}description: more\n",
        BASE.replace("guessing/guess", "guessing/guess: {size: 8, spread: 1.0}"),
        BASE.replace("guessing/guess", "guessing/guess: {spread: 1.0, widths: [1]}"),
        f"{BASE}backends: [cpu: {{threads: 1}}]\n",
        f"{BASE}scale: paper\n",
        f"{BASE}    metrics: [error, error-curve, reciprocal]\n",
    ],
)
def test_what_does_not_change_an_identity(case, cases, changed):
    (other,) = cases(changed)
    assert (other.key, other.id) == (case.key, case.id)


@pytest.mark.parametrize(
    "changed",
    [
        BASE.replace("/guess]", "/timed-guess]"),
        BASE.replace("/mean", "/noisy"),
        f"{BASE}seeds: [1]\n",
        f"{BASE}scale: smoke\n",
        BASE.replace("guessing/guess", "guessing/guess: {size: 9}"),
        f"{BASE}backends: [cpu: {{threads: 2}}]\n",
        f"{BASE}backends: [cuda]\n",
    ],
)
def test_what_changes_the_place_in_the_matrix(case, cases, changed):
    (other,) = cases(changed)
    assert other.key != case.key
    assert other.id != case.id


def test_metrics_change_the_identity_and_not_the_place(case, cases):
    (other,) = cases(f"{BASE}    metrics: [error]\n")
    assert other.key == case.key
    assert other.id != case.id


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": Fingerprint({"module": "digest"}, {}, "3.11")},
        {"machine": "another"},
    ],
)
def test_code_and_machine_change_the_identity_and_not_the_place(case, changes):
    other = dataclasses.replace(case, **changes)
    assert other.key == case.key
    assert other.id != case.id


def test_only_timed_tasks_depend_on_the_machine(cases):
    plain, timed = cases(BASE.replace("/guess]", "/guess, guessing/timed-guess]"))
    assert (plain.machine, plain.timed) == ("", False)
    assert timed.machine
    assert timed.timed


def test_a_fingerprint_names_the_sources_the_versions_and_python(case):
    assert {"toy_papers.guessing", "toy_papers._models", "toy_papers._helper", "harness.tasks"} <= set(
        case.fingerprint.sources
    )
    assert "toy_papers.needing" not in case.fingerprint.sources
    assert set(case.fingerprint.plain()) == {"sources", "versions", "python"}


def test_instance_seeds_are_shared_by_models_backends_and_metrics(cases):
    text = BASE.replace("[guessing/mean]", "[guessing/mean, guessing/constant: {value: [1.0, 2.0]}]")
    found = cases(f"{text}    metrics: [error]\nbackends: [cpu, cpu: {{threads: 2}}]\n")
    assert len(found) == 6
    assert len({one.derived_seed("instance") for one in found}) == 1
    assert len({one.derived_seed("model") for one in found}) == 1


@pytest.mark.parametrize(
    "changed",
    [
        BASE.replace("/guess]", "/timed-guess]"),
        f"{BASE}seeds: [1]\n",
        BASE.replace("guessing/guess", "guessing/guess: {size: 9}"),
    ],
)
def test_seeds_depend_on_task_parameters_and_seed(case, cases, changed):
    (other,) = cases(changed)
    assert other.derived_seed("instance") != case.derived_seed("instance")
    assert other.derived_seed("model") != case.derived_seed("model")


def test_the_seeds_of_instance_and_model_differ_and_fit_in_63_bits(cases):
    seeds = [one.derived_seed(purpose) for one in cases(f"{BASE}seeds: 50\n") for purpose in ("instance", "model")]
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_an_edit_of_the_code_leaves_the_seeds(case):
    edited = dataclasses.replace(case, fingerprint=Fingerprint({}, {}, "3.99"))
    assert edited.derived_seed("instance") == case.derived_seed("instance")


def test_an_instance_is_shared_under_the_same_conditions_only(cases):
    found = cases(f"{BASE.replace('/mean]', '/mean, guessing/noisy]')}backends: [cpu, cpu: {{threads: 2}}]\n")
    assert [one.backend.label for one in found] == ["cpu", "cpu", "cpu(threads=2)", "cpu(threads=2)"]
    keys = [one.instance_key for one in found]
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_cases_come_once_and_in_the_order_of_the_file(cases):
    text = (
        "name: a\nmatrix:\n"
        "  - {tasks: [guessing/guess], models: [guessing/noisy, guessing/mean, guessing/noisy], seeds: [1, 0]}\n"
        "  - {tasks: [guessing/guess], models: [guessing/mean, guessing/shifted], seeds: [0]}\n"
    )
    assert [(one.model.name.partition("/")[2], one.seed) for one in cases(text)] == [
        ("noisy", 1),
        ("mean", 1),
        ("noisy", 0),
        ("mean", 0),
        ("shifted", 0),
    ]


def test_the_order_of_the_file_changes_no_case(cases):
    models = ["guessing/mean", "guessing/noisy", "guessing/shifted"]
    expected = {one.id for one in cases(BASE.replace("guessing/mean", ", ".join(models)))}
    random.Random(0).shuffle(models)
    assert {one.id for one in cases(BASE.replace("guessing/mean", ", ".join(models)))} == expected


MATRIX = """\
name: a
matrix:
  - tasks: [guessing/guess: {size: [3, 4]}]
    models: [guessing/mean, needing/choosy: {either: [1, two]}]
    backends: [cpu, cpu: {threads: 2}]
"""


@pytest.mark.parametrize(
    ("only", "count"),
    [
        ([], 12),
        (["*"], 12),
        (["guessing/mean"], 4),
        (["guessing/me*"], 4),
        (["needing"], 8),
        (["needing/choosy(either=two)"], 4),
        (["*(size=3)"], 6),
        (["*threads=2*"], 6),
        (["guessing/mean", "*either=1*"], 8),
        (["guessing"], 12),
    ],
)
def test_only_keeps_the_cases_that_match(cases, only, count):
    assert len(cases(MATRIX, only=only)) == count


def test_nothing_that_matches_is_an_error(cases):
    with pytest.raises(HarnessError, match=r"no case matches --only wibble wobble$"):
        cases(BASE, only=["wibble", "wobble"])


def test_a_case_reads_as_what_it_runs(cases):
    (one,) = cases(f"{BASE}seeds: [3]\n".replace("guessing/guess", "guessing/guess: {size: 4}"))
    assert str(one) == "guessing/guess(size=4) · guessing/mean · cpu · seed 3"


def test_workers_import_what_a_module_needs_before_it(cases, check, catalogue):
    planner = Planner(catalogue)
    modules = planner.modules(planner.cases(check(BASE)))
    assert {"toy_papers.guessing", "toy_papers._models", "toy_papers._helper"} <= set(modules.sources)
    assert "harness" in modules.libraries
    every = [*modules.libraries, *modules.sources]
    assert len(every) == len(set(every))
    less = modules.without("harness").without("toy_papers._models")
    assert {*every} - {*less.libraries, *less.sources} == {"harness", "toy_papers._models"}
