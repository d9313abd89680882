"""Comparisons as tables and sentences for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from harness.compare.comparison import Comparison
from harness.compare.overall import Overall
from harness.compare.pair import Pair
from harness.compare.sample import Place, Quantity
from harness.compare.sentence import change, estimate_text, p_text
from harness.compare.standing import Standing
from harness.compare.task import TaskComparison
from harness.tables import inert

_SENTENCES = 10
_MODEL_WIDTH = 30
_OF_PAIR = ("p", "g", "w/t/l")


def print_comparison(comparison: Comparison, to: Console) -> None:
    """A table and the sentences of each task, then the tasks together, then how all this was found."""
    if len(comparison.sources) > 1:
        to.print("\n".join(f"{letter}: {inert(name)}" for letter, name in zip("AB", comparison.sources, strict=True)))
    for (place, quantity), group in groupby(comparison.tasks, key=lambda task: (task.place, task.quantity)):
        tasks = list(group)
        for table in _tables(place, quantity, tasks, comparison.sources):
            to.print(table)
        _print_sentences(tasks, to)
        to.print()
    for overall in comparison.overall:
        _print_overall(overall, to)
    for source, cells in comparison.only_in.items():
        for cell in cells:
            to.print(f"only in {inert(source)}: {inert(cell)}")
    for note in comparison.notes:
        to.print(inert(note))
    to.print(f"[dim]{inert(comparison.procedure)}[/]")


def _tables(
    place: Place, quantity: Quantity, tasks: Sequence[TaskComparison], sources: Sequence[str]
) -> Iterable[Table]:
    title = f"[bold]{inert(place.task)}[/] [dim]{inert(place.scale)} · {inert(place.backend)}[/]"
    unit = "" if quantity.unit == "1" else f" [{quantity.unit}]"
    metric = inert(f"{quantity.name}{unit} {'↓' if quantity.direction == 'lower' else '↑'}")
    if tasks[0].subject is None:
        yield from (_ranking(task, title, metric) for task in tasks)
    else:
        yield _changes(tasks, title, metric, sources)


def _ranking(task: TaskComparison, title: str, metric: str) -> Table:
    """The models of a run, best first, each beside the leader or the baseline."""
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("#", justify="right")
    table.add_column("model", overflow="fold", min_width=_MODEL_WIDTH)
    beside = f"beside {inert(task.anchor)}" if task.anchor else "difference"
    for heading in (metric, beside, *_OF_PAIR, "cases"):
        table.add_column(heading, justify="right", overflow="fold")
    pairs = task.beside(task.anchor) if task.anchor else {}
    for standing in task.standings:
        name = inert(standing.arm.name)
        name = {"construction": f"[bold]{name}[/]", "reference": f"[italic]{name}[/] [dim](reference)[/]"}.get(
            standing.arm.role, name
        )
        cells = _pair(pairs.get(standing.arm.name))
        table.add_row(standing.places, name, estimate_text(standing.estimate), *cells, _cases(standing))
    return table


def _changes(tasks: Sequence[TaskComparison], title: str, metric: str, sources: Sequence[str]) -> Table:
    """The models of two runs, each with its change from the first run to the second."""
    table = Table(title=f"{title} {metric}", title_justify="left", header_style="bold")
    table.add_column("model", overflow="fold", min_width=_MODEL_WIDTH)
    for heading in ("A", "B", "change", *_OF_PAIR, "cases"):
        table.add_column(heading, justify="right", overflow="fold")
    for task in tasks:
        arms = {standing.arm.name: standing for standing in task.standings}
        both = [arms[source] for source in sources]
        pair = task.pairs[0] if task.pairs else None
        means = [estimate_text(standing.estimate) for standing in both]
        table.add_row(inert(task.subject or ""), *means, *_pair(pair), ", ".join(map(_cases, both)))
    return table


def _pair(pair: Pair | None) -> list[str]:
    if pair is None:
        return [""] * 4
    size = pair.result.effect_size
    return [
        inert(change(pair.result.effect, pair.result.scale, pair.quantity)),
        p_text(pair.p_value).removeprefix("p = ").removeprefix("p "),
        "" if size is None else f"{size:.2g}",
        f"{pair.wins}/{pair.ties}/{pair.losses}",
    ]


def _cases(standing: Standing) -> str:
    return f"[red]{inert(standing.cases)}[/]" if standing.failures else standing.cases


def _print_sentences(tasks: Sequence[TaskComparison], to: Console) -> None:
    """Those that matter first, then those that are decided."""
    headlines = {id(pair) for task in tasks for pair in task.headlines}
    pairs = sorted(
        (pair for task in tasks for pair in task.pairs),
        key=lambda pair: (id(pair) not in headlines, pair.winner is None),
    )
    for pair in pairs[:_SENTENCES]:
        to.print(f"  {inert(pair.sentence)}", soft_wrap=True)
    if len(pairs) > _SENTENCES:
        to.print(f"  [dim]and {len(pairs) - _SENTENCES} more pairs: --json has them all[/]")
    for note in (note for task in tasks for note in task.notes):
        to.print(f"  {inert(note)}", soft_wrap=True)


def _print_overall(overall: Overall, to: Console) -> None:
    friedman = p_text(overall.friedman.p_value)
    title = f"[bold]{inert(overall.metric)} over {len(overall.tasks)} tasks[/] [dim]{inert(overall.scale)} · "
    table = Table(title=f"{title}{inert(overall.backend)}, Friedman {friedman}[/]", title_justify="left")
    for heading in ("mean rank", "model", f"cost beside {inert(overall.arms[overall.anchor])}", "p", "tasks w/t/l"):
        table.add_column(heading, justify="left" if heading == "model" else "right", overflow="fold")
    pairs = {pair.a: pair for pair in overall.pairs}
    for name, rank in zip(overall.arms, overall.friedman.mean_ranks, strict=True):
        pair = pairs.get(name)
        effect = pair.result.effect if pair and pair.result else None
        cells = [
            "" if effect is None else f"× {estimate_text(effect)}",
            "" if pair is None or pair.p_value is None else p_text(pair.p_value).removeprefix("p = "),
            "" if pair is None else f"{pair.wins}/{pair.ties}/{pair.losses}",
        ]
        table.add_row(f"{rank:.3g}", inert(name), *cells)
    to.print(table)
    if overall.critical_difference is not None:
        to.print(f"  [dim]mean ranks are told apart from {overall.critical_difference.distance:.2g} on (Nemenyi)[/]")
    for pair in overall.pairs:
        if shares := pair.posterior:
            said = (
                f"{pair.a} better {shares.left:.0%}, equivalent {shares.rope:.0%}, {pair.b} better {shares.right:.0%}"
            )
            to.print(f"  {inert(said)} (Bayesian signed-rank)", soft_wrap=True)
    to.print()
