"""Suites that are right: what YAML values mean, grids, and which of several values holds."""

from __future__ import annotations

from typing import Any

import pytest

from harness.backends import Cpu
from harness.suite.document import Document
from harness.suite.load import load
from harness.suite.suite import CaseLimits

BASE = "name: a\nmatrix:\n  - tasks: [guessing/guess]\n    models: [guessing/mean]\n"


def given(choices: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [dict(choice.given) for choice in choices]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("-1E+3", -1000.0),
        (".5", 0.5),
        ("1_000.5", 1000.5),
        ("012", 12),
        ("0o12", 10),
        ("0x10", 16),
        ("-0x1F", -31),
        ("0b101", 5),
        ("1_000", 1000),
        ("+3", 3),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("~", None),
        ("null", None),
        ("2020-01-01", "2020-01-01"),
        ("1:30", "1:30"),
        ("1.2.3", "1.2.3"),
        ("'3'", "3"),
        ("!!str 3", "3"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        (">\n  two\n  lines\n", "two lines\n"),
        ("[1, [a, {b: c}]]", [1, ["a", {"b": "c"}]]),
    ],
)
def test_what_a_yaml_value_means(text, value):
    document = Document("here", f"key: {text}")
    assert document.problems.found == []
    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        f"# a comment\n{BASE}# another\n",
        f"---\n{BASE}...\n",
        f"\ufeff{BASE}",
        BASE.replace("\n", "\r\n"),
        '{"name": "a", "matrix": [{"tasks": ["guessing/guess"], "models": ["guessing/mean"]}]}',
        "name: a\nmatrix:\n- models:\n  - guessing/mean\n  tasks:\n  - guessing/guess:\n",
        BASE.replace("guessing/mean", "guessing/mean: {}")
        .replace("[", "[{")
        .replace("]", "}]")
        .replace("guess}", "guess: }"),
    ],
    ids=["comments", "document marks", "byte-order mark", "CRLF", "JSON", "block style", "empty parameters"],
)
def test_ways_of_writing_the_same_suite(check, text):
    suite = check(text)
    (block,) = suite.blocks
    assert suite.name == "a"
    assert [choice.label for choice in (*block.tasks, *block.models, *block.backends)] == [
        "guessing/guess",
        "guessing/mean",
        "cpu",
    ]


def test_anchors_may_be_reused_and_repeat_values(check):
    suite = check(
        "name: &x anchors\ndescription: &x second\nmatrix:\n"
        "  - tasks: &tasks [guessing/guess]\n    models: [guessing/mean]\n"
        "  - tasks: *tasks\n    models: [guessing/noisy]\n    limits: &x {time: 1 s}\n"
    )
    assert [block.tasks[0].name for block in suite.blocks] == ["guessing/guess"] * 2


def test_an_override_below_an_alias_changes_one_place_only(check):
    suite = check(
        "name: a\nmatrix:\n  - &block\n    tasks: [guessing/guess]\n    models: [guessing/mean]\n  - *block\n",
        "matrix.1.models.0=guessing/noisy",
    )
    assert [block.models[0].name for block in suite.blocks] == ["guessing/mean", "guessing/noisy"]


def test_any_script_in_a_description(check):
    assert check(f"{BASE}description: 漢字 ü '🙂'\n").description == "漢字 ü '🙂'"


def test_a_pair_of_surrogates_is_one_character_as_json_has_it(check):
    assert check(f'{BASE}description: "\\ud83d\\ude42"\n').description == "🙂"


def test_the_text_is_kept_as_it_was_read(check):
    assert check(BASE).text == BASE


@pytest.mark.parametrize(
    ("value", "points"),
    [
        ("1.5", [1.5]),
        ("[1.5]", [1.5]),
        ("[1.5, 2.5]", [1.5, 2.5]),
    ],
)
def test_a_list_for_a_single_value_is_an_axis(check, value, points):
    (block,) = check(BASE.replace("guessing/mean", f"guessing/constant: {{value: {value}}}")).blocks
    assert given(block.models) == [{"value": point} for point in points]


def test_a_whole_number_for_a_float_is_that_float(check):
    (block,) = check(BASE.replace("guessing/mean", "guessing/constant: {value: [1, 1.0]}")).blocks
    assert [repr(model.values["value"]) for model in block.models] == ["1.0", "1.0"]


@pytest.mark.parametrize(
    ("value", "points"),
    [
        ("[]", [[]]),
        ("[1, 2]", [[1, 2]]),
        ("[[1]]", [[1]]),
        ("[[1], [2, 3]]", [[1], [2, 3]]),
        ("[[]]", [[]]),
    ],
)
def test_a_list_for_a_tuple_is_one_value_and_a_list_of_lists_an_axis(check, value, points):
    (block,) = check(BASE.replace("guessing/guess", f"guessing/guess: {{widths: {value}}}")).blocks
    assert given(block.tasks) == [{"widths": point} for point in points]


@pytest.mark.parametrize(
    ("parameters", "points"),
    [
        ("shape: [1, 2]", [{"shape": [1, 2]}]),
        ("shape: [[1, 2], [3, 4]]", [{"shape": [1, 2]}, {"shape": [3, 4]}]),
        ("shape: [null, [1, 2]]", [{"shape": None}, {"shape": [1, 2]}]),
        ("either: [1, two]", [{"either": 1}, {"either": "two"}]),
        ("flag: [true, false]", [{"flag": True}, {"flag": False}]),
    ],
)
def test_grids_of_parameters_that_may_be_several_things(check, parameters, points):
    (block,) = check(BASE.replace("guessing/mean", f"needing/choosy: {{{parameters}}}")).blocks
    assert given(block.models) == points


def test_a_grid_is_the_product_of_its_axes_in_their_order(check):
    (block,) = check(BASE.replace("guessing/guess", "guessing/guess: {size: [1, 2], spread: [3.0, 4.0]}")).blocks
    assert [(task.given["size"], task.given["spread"]) for task in block.tasks] == [(1, 3), (1, 4), (2, 3), (2, 4)]


def test_a_label_says_what_the_suite_says(check):
    (block,) = check(BASE.replace("guessing/guess", "guessing/guess: {spread: 1e-3, widths: [1, 2]}")).blocks
    assert block.tasks[0].label == "guessing/guess(spread=0.001, widths=[1, 2])"


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("", (0,)), ("seeds: 3", (0, 1, 2)), ("seeds: [5, 3]", (5, 3)), ("seeds: [9223372036854775807]", (2**63 - 1,))],
)
def test_seeds_are_counted_or_listed(check, text, seeds):
    assert check(f"{BASE}{text}\n").blocks[0].seeds == seeds


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("", CaseLimits(600.0, None)),
        ("{}", CaseLimits(600.0, None)),
        ("{time: 250 ms}", CaseLimits(0.25, None)),
        ("{time: 1.5min}", CaseLimits(90.0, None)),
        ("{time: 2 H, memory: 2 GB}", CaseLimits(7200.0, 2e9)),
        ("{memory: 512 MiB}", CaseLimits(600.0, 512 * 2.0**20)),
        ("{memory: 1.5 kb}", CaseLimits(600.0, 1500.0)),
    ],
)
def test_limits_have_units(check, text, limits):
    assert check(f"{BASE}limits: {text or '{}'}\n").blocks[0].limits == limits


def test_keys_of_a_block_hold_over_those_of_the_suite(check):
    suite = check(
        f"{BASE}    scale: smoke\n    seeds: 2\n    isolation: shared\n    backends: [{{cpu: {{threads: 2}}}}]\n"
        "    limits: {memory: 1 GB}\n"
        "  - tasks: [guessing/guess]\n    models: [guessing/mean]\n"
        "scale: paper\nseeds: [7]\nisolation: case\nbackends: [cpu]\nlimits: {time: 5 s}\n"
    )
    own, common = suite.blocks
    assert (own.scale, own.seeds, own.isolation, given(own.backends)) == ("smoke", (0, 1), "shared", [{"threads": 2}])
    assert (common.scale, common.seeds, common.isolation, given(common.backends)) == ("paper", (7,), "case", [{}])
    assert (own.limits, common.limits) == (CaseLimits(5.0, 1e9), CaseLimits(5.0, None))


@pytest.mark.parametrize(
    ("scale", "parameters", "size"), [("claim", "", 8), ("smoke", "", 3), ("smoke", "size: 5", 5), ("paper", "", 8)]
)
def test_what_the_suite_says_holds_over_the_scale_and_the_scale_over_the_defaults(check, scale, parameters, size):
    text = BASE.replace("guessing/guess", f"guessing/guess: {{{parameters}}}")
    (task,) = check(f"{text}scale: {scale}\n").blocks[0].tasks
    assert dict(task.values) == {"size": size, "spread": 1.0, "widths": [1]}


@pytest.mark.parametrize(
    ("assignment", "read"),
    [
        ("seeds=3", lambda suite: len(suite.blocks[0].seeds) == 3),
        ("seeds=[4, 5]", lambda suite: suite.blocks[0].seeds == (4, 5)),
        ("scale=smoke", lambda suite: suite.blocks[0].tasks[0].values["size"] == 3),
        ("matrix.0.scale=smoke", lambda suite: suite.blocks[0].scale == "smoke"),
        ("limits.time=2 s", lambda suite: suite.blocks[0].limits.seconds == 2.0),
        ("matrix.0.limits.memory=1 GB", lambda suite: suite.blocks[0].limits.memory == 1e9),
        ("matrix.0.models=[guessing/noisy]", lambda suite: suite.blocks[0].models[0].name == "guessing/noisy"),
        ("matrix.0.models.0=guessing/noisy", lambda suite: suite.blocks[0].models[0].name == "guessing/noisy"),
        ("description=a=b", lambda suite: suite.description == "a=b"),
    ],
)
def test_an_override_replaces_one_value(check, assignment, read):
    assert not read(check(BASE))
    assert read(check(BASE, assignment))


def test_a_scale_takes_the_place_of_every_scale_in_the_file(suite, catalogue):
    path = suite(f"{BASE}    scale: paper\n  - tasks: [guessing/guess]\n    models: [guessing/mean]\nscale: claim\n")
    checked = load(path, catalogue, {"cpu": Cpu}, scale="smoke")
    assert [block.scale for block in checked.blocks] == ["smoke", "smoke"]


def test_the_last_override_holds(check):
    assert check(BASE, "seeds=3", "seeds=2").blocks[0].seeds == (0, 1)


def test_an_override_mends_what_is_wrong_in_the_file(check):
    assert check(f"{BASE}seeds: none\n", "seeds=1").blocks[0].seeds == (0,)


def test_metrics_go_by_short_and_by_full_name(check):
    suite = check(f"{BASE}    metrics: [error, guessing/reciprocal]\n")
    assert suite.blocks[0].metrics == ("error", "guessing/reciprocal")
