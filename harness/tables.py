"""Summaries as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.compare.standing import place_text
from harness.quoting import printable
from harness.summary import Estimate, Line, TaskSummary

_PLAIN_WIDTH = 140
"""Columns where the output is no terminal."""
_MODEL_WIDTH = 36
_METRICS = 3
"""Metrics in a table: the one that ranks, and the next. The others are a `harness results --rows` away."""


def console(*, stderr: bool = False) -> Console:
    """A console that never cuts a table short where nobody looks at it."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=_PLAIN_WIDTH)


def print_summaries(summaries: Iterable[TaskSummary], to: Console) -> None:
    """A table per task, and what can be said of it."""
    for summary in summaries:
        to.print(task_table(summary))
        for sentence in summary.sentences:
            to.print(f"  {inert(sentence)}", soft_wrap=True)
        if others := [*list(_metrics(summary))[_METRICS:], *summary.curves]:
            to.print(f"  [dim]also in the results: {inert(', '.join(others))}[/]")
        to.print()


def task_table(summary: TaskSummary) -> Table:
    """The models of a task, ranked by the first metric."""
    title = f"[bold]{inert(summary.task)}[/] [dim]{inert(summary.scale)} · {inert(summary.backend)}[/]"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("model", overflow="fold", min_width=_MODEL_WIDTH)
    shown = dict(list(_metrics(summary).items())[:_METRICS])
    for estimate in shown.values():
        table.add_column(_heading(estimate), justify="right", overflow="fold")
    for heading in ("time", "memory", "cases"):
        table.add_column(heading, justify="right")
    for line in summary.lines:
        table.add_row(*_row(line, list(shown)))
    return table


def _metrics(summary: TaskSummary) -> dict[str, Estimate]:
    """An estimate of each metric that any model has."""
    found: dict[str, Estimate] = {}
    for line in summary.lines:
        for estimate in line.estimates:
            found.setdefault(estimate.metric, estimate)
    return found


def inert(text: str) -> str:
    """The text as rich shows it literally: neither markup nor escape sequences do anything."""
    return escape(printable(text))


def number(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def duration(seconds: float | None) -> str:
    """Seconds in a readable unit."""
    if seconds is None:
        return "-"
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (120.0, 1.0, "s"), (7200.0, 1 / 60, "min")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds / 3600:.3g} h"


def size(count: float | None) -> str:
    """Bytes in a readable unit."""
    if count is None:
        return "-"
    return f"{count / 1e6:.3g} MB" if count < 1e9 else f"{count / 1e9:.3g} GB"


def _heading(estimate: Estimate) -> str:
    unit = "" if estimate.unit == "1" else f" [{estimate.unit}]"
    return inert(f"{estimate.metric}{unit} {'↓' if estimate.direction == 'lower' else '↑'}")


def _row(line: Line, metrics: list[str]) -> list[str]:
    by_name = {estimate.metric: estimate for estimate in line.estimates}
    name = inert(line.model)
    if line.role == "construction":
        name = f"[bold]{name}[/]"
    elif line.role == "reference":
        name = f"[italic]{name}[/] [dim](reference)[/]"
    total = sum(line.statuses.values())
    cases = f"{line.statuses.get('ok', 0)}/{total}"
    if line.failures:
        cases += f" [red]{inert(line.failures)}[/]"
    values = [_value(by_name.get(metric), interval=metric == metrics[0]) for metric in metrics]
    return [place_text(line.place), name, *values, duration(line.seconds), size(line.peak_memory), cases]


def _value(estimate: Estimate | None, *, interval: bool) -> str:
    if estimate is None:
        return "-"
    if not interval or not estimate.half_width:
        return number(estimate.mean)
    return f"{number(estimate.mean)} ± {estimate.half_width:.2g}"
