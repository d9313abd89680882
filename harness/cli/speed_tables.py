"""Speed as tables for the terminal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.table import Table

from harness.tables import console, duration, inert, size

if TYPE_CHECKING:
    from harness.speed.check import Checked
    from harness.speed.record import Measured, SpeedRun
    from harness.speed.selftest import Seen
    from harness.stats.interval import Interval

_STYLES = {"regression": "bold red", "failed": "red", "inconclusive": "yellow", "fine": "green"}


def print_run(run: SpeedRun) -> None:
    """A table for each group of operations that compete, and where they were measured."""
    from harness.speed.machines import named

    groups: dict[tuple[str, ...], list[Measured]] = {}
    for measured in run.operations:
        groups.setdefault(measured.key.group, []).append(measured)
    to = console()
    for group in groups.values():
        to.print(_group(group))
        for measured in group:
            if measured.error:
                to.print(f"  {inert(measured.key.model)}: {inert(measured.error)}", soft_wrap=True)
    (machine,) = named([run.fingerprint]).values()
    load = f", load {run.conditions['load_average']:.1f}" if "load_average" in run.conditions else ""
    to.print(f"on {inert(machine.name)}{load}")


def print_checked(checked: Checked) -> None:
    """A table of ratios with verdicts, and what follows."""
    table = Table(title=f"working tree beside {checked.base[:10]}", title_justify="left", header_style="bold")
    table.add_column("operation", overflow="fold")
    for heading in ("new / old", "95 %", "pairs"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    table.add_column("", overflow="fold")
    for one in checked.judged:
        style = _STYLES.get(one.verdict, "dim")
        verdict = f"[{style}]{one.verdict}[/]"
        pairs = f"{one.pairs}" + (f" + {one.noisy} noisy" if one.noisy else "")
        table.add_row(inert(str(one.operation)), *_ratio(one.ratio), pairs, verdict, inert(one.note))
    to = console()
    to.print(table)
    counts: dict[str, int] = {}
    for one in checked.judged:
        counts[one.verdict] = counts.get(one.verdict, 0) + 1
    to.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def print_seen(seen: Seen) -> None:
    """What the gate sees, in sentences."""
    to = console()
    alarms = seen.false_alarms
    smallest = "none of those tried" if seen.smallest is None else f"{100 * seen.smallest:g} %"
    for sentence in (
        f"equal operations: ratio {' '.join(_ratio(seen.same))}; pairs spread by {100 * seen.spread:.2g} %",
        f"slowed by {100 * seen.planted:g} %: ratio {' '.join(_ratio(seen.slowed))}",
        f"false alarms: {100 * alarms.estimate:.2g} % of gates (at most {100 * alarms.high:.2g} %)",
        f"smallest slow-down found by 95 % of gates: {smallest}",
        f"{seen.noisy} pairs too noisy; {seen.pair_seconds:.2g} s a pair",
    ):
        to.print(sentence)


def _group(group: list[Measured]) -> Table:
    first = group[0].key
    where = f"{first.backend} · {first.scale}"
    title = f"[bold]{inert(first.task)}[/] {inert(first.operation)} [dim]{inert(where)}[/]"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("model", overflow="fold", min_width=30)
    for heading in ("time", f"over {inert(group[0].baseline)}", "95 %", "throughput", "cold", "memory", "processes"):
        table.add_column(heading, justify="right", overflow="fold")
    for measured in group:
        table.add_row(inert(measured.key.model), *_row(measured))
    return table


def _row(measured: Measured) -> Iterable[str]:
    if not measured.processes or measured.outcome != "ok":
        return (f"[red]{measured.outcome}[/]",)
    from harness.timing.ratio import ratio

    ratios = [process.ratio for process in measured.processes if process.ratio is not None]
    against = _ratio(ratio(ratios)) if ratios else ("1" if measured.key.model == measured.baseline else "", "")
    throughput = f"{measured.items / measured.seconds:.3g} {inert(measured.item)}/s" if measured.items else ""
    cold = statistics.median(process.cold_seconds for process in measured.processes)
    noisy = f" + {measured.noisy} noisy" if measured.noisy else ""
    return (
        duration(measured.seconds),
        *against,
        throughput,
        duration(cold),
        size(measured.peak_memory),
        f"{len(measured.processes)}{noisy}",
    )


def _ratio(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return "", ""
    ends = rf"\[{interval.low:.3f}, {interval.high:.3f}]" if interval.bounded else ""
    return f"{interval.estimate:.3f}", ends
