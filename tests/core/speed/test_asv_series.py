"""What a speed run is as series in which smaller is better."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.builtin.asv_series import Series, series

from .asv_repository import measured, operation, speed_run
from .fabricated import process


class TestSeries:
    def test_are_times_memory_and_throughputs(self) -> None:
        run = speed_run("c", measured("mean", [0.5, 0.25], items=10), measured("median", [1.0]))
        mean, median = operation("mean"), operation("median")
        assert series(run) == [
            Series("seconds", "seconds", "lower", {mean: [0.5, 0.25], median: [1.0]}),
            Series("peak_memory", "bytes", "lower", {mean: [1000.0, 1000.0], median: [1000.0]}),
            Series("throughput", "item/s", "higher", {mean: [20.0, 40.0]}),
        ]

    def test_without_items_have_no_throughput(self) -> None:
        assert [one.name for one in series(speed_run("c", measured("mean", [1.0])))] == ["seconds", "peak_memory"]

    def test_have_ratios_to_the_baseline_but_not_for_it(self) -> None:
        baseline = measured("mean", [1.0, 1.0])
        processes = (replace(process(2.0), ratio=2.1), replace(process(2.0), ratio=1.9))
        other = replace(measured("median", None), baseline="mean", processes=processes)
        silent = replace(measured("mode", [1.0]), baseline="mean")
        found = {one.name: one for one in series(speed_run("c", baseline, other, silent))}["ratio"]
        assert found.direction == "lower"
        assert found.values.keys() == {operation("median"), operation("mode")}
        assert found.values[operation("median")] == [2.1, 1.9]
        assert math.isnan(*found.values[operation("mode")])

    def test_tell_failures_from_what_was_not_measured(self) -> None:
        run = speed_run("c", *(measured(outcome, [1.0], outcome) for outcome in ("failed", "noisy", "skipped")))
        found = series(run)[0].values
        assert list(found[operation("failed")]) == []
        assert all(math.isnan(*found[operation(outcome)]) for outcome in ("noisy", "skipped"))

    def test_that_are_better_when_higher_become_reciprocals(self) -> None:
        assert Series("throughput", "token/s", "higher", {"a": [4.0, 2.0], "b": []}).smaller_is_better() == Series(
            "inverse_throughput", "s/token", "lower", {"a": [0.25, 0.5], "b": []}
        )

    def test_without_a_fraction_get_one(self) -> None:
        assert Series("accuracy", "correct", "higher", {}).smaller_is_better().unit == "1/correct"

    @given(st.lists(st.floats(1e-9, 1e9), min_size=2))
    def test_reciprocals_are_in_the_opposite_order(self, rates: list[float]) -> None:
        found = Series("throughput", "item/s", "higher", {"a": sorted(rates)}).smaller_is_better().values["a"]
        assert list(found) == sorted(found, reverse=True)
