"""What is said of a pair, word for word."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.compare.comparison import compare
from harness.compare.options import Options
from harness.compare.sentence import estimate_text, p_text
from harness.stats.interval import Interval
from harness.stats.intervals import mean_interval


def said(table, x, y, **more) -> str:
    choices = {name: more.pop(name) for name in ("rope", "correction") if name in more}
    return compare(table({"a/x": x, "a/y": y}, **more), Options(**choices)).tasks[0].pairs[0].sentence


@pytest.mark.parametrize(
    ("x", "y", "more", "expected"),
    [
        ([0.9, 1.8], [1.0, 2.0], {}, "a/x beats a/y by 10 % [10, 10] on 2 of 2 instances (p < 0.001)"),
        ([9.0, 18.0], [1.0, 2.0], {}, "a/y beats a/x by a factor of 9 [9, 9] on 2 of 2 instances (p < 0.001)"),
        (
            [1.2, 2.4],
            [1.0, 2.0],
            {"direction": "higher"},
            "a/x beats a/y by 20 % [20, 20] on 2 of 2 instances (p < 0.001)",
        ),
        (
            [-1.0, 0.0],
            [0.0, 1.0],
            {"unit": "s"},
            "a/x beats a/y by 1 s [1, 1] on 2 of 2 instances (p < 0.001)",
        ),
        ([3.0, 2.0], [3.0, 2.0], {}, "a/x and a/y have the same value on 2 instances"),
        ([3.0], [4.0], {}, "one instance each of a/x and a/y: -25 %, and nothing can be said of the spread"),
        ([1.0], [3.0], {}, "one instance each of a/x and a/y: × 0.33, and nothing can be said of the spread"),
        (
            [1.0, 1.0],
            [1.01, 1.01],
            {"rope": 0.02},
            "a/x and a/y are equivalent: -0.99 % [-0.99, -0.99] lies within 2 %",
        ),
    ],
)
def test_sentences(table, x, y, more, expected) -> None:
    assert said(table, x, y, **more) == expected


def test_the_undecided_say_what_could_be_seen(table) -> None:
    text = said(table, [1.0, 1.2, 0.9], [1.1, 1.0, 1.1])
    assert text.startswith("no difference between a/x and a/y that these data can show: -3.7 % [")
    assert "; 3 instances can't see less than " in text
    assert text.rpartition(" takes ")[2].isdigit()


def test_models_that_diverge_are_spoken_of(table) -> None:
    text = said(table, [1.0, 1.0, 1e300, 1.0], [1.0, 2.0, 1.0, 1.0])
    assert "can't see less than a factor of ∞" in text


_VALUES = st.floats(min_value=-1e150, max_value=1e150) | st.floats(min_value=5e-324, max_value=1e150)  # squares fit


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(_VALUES, _VALUES), min_size=1, max_size=5), st.sampled_from([None, 0.01]))
def test_whatever_was_measured_there_is_a_sentence(table, values, rope) -> None:
    x, y = (list(column) for column in zip(*values, strict=True))
    text = said(table, x, y, rope=rope)
    assert "a/x" in text
    assert "nan" not in text


def test_the_undecided_ask_for_what_would_show_the_region(table) -> None:
    assert "to see 1 % takes " in said(table, [1.0, 1.2, 0.9], [1.1, 1.0, 1.1], rope=0.01)


def test_what_alone_would_be_significant_shows_both_p_values(table) -> None:
    noise = [1.0, 1.02, 0.97, 1.01, 0.99]
    arms = {f"a/{index}": [value * (1 + 0.01 * index) for value in noise[index:] + noise[:index]] for index in range(5)}
    pairs = compare(table(arms)).tasks[0].pairs
    for pair in pairs:
        alone = pair.winner is None and pair.result.p_value < 0.05
        assert ("alone, " in pair.sentence) == alone


@pytest.mark.parametrize(("value", "text"), [(0.0001, "p < 0.001"), (0.0123, "p = 0.012"), (1.0, "p = 1")])
def test_p_values(value, text) -> None:
    assert p_text(value) == text


@pytest.mark.parametrize(
    ("estimate", "text"),
    [(None, "-"), (mean_interval([2.0]), "2"), (Interval(1.23456, 1, 2, 0.95, 3, ""), "1.235 [1, 2]")],
)
def test_estimates(estimate, text) -> None:
    assert estimate_text(estimate) == text
