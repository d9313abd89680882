r"""A comparison as LaTeX: one booktabs table for each task (`\usepackage{booktabs}`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.compare.comparison import Comparison
from harness.compare.pair import Pair
from harness.compare.sentence import change, estimate_text, p_text
from harness.compare.task import TaskComparison

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "×": r"$\times$",
    "∞": r"$\infty$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


def as_latex(comparison: Comparison) -> str:
    """A table per task, with the procedure as a footnote."""
    return "\n".join(_table(task, comparison) for task in comparison.tasks)


def escaped(text: str) -> str:
    """Text that LaTeX sets as it stands."""
    visible = "".join(character if character.isprintable() else "?" for character in text)
    return re.sub("|".join(map(re.escape, _SPECIAL)), lambda match: _SPECIAL[match[0]], visible)


def _table(task: TaskComparison, comparison: Comparison) -> str:
    unit = "" if task.quantity.unit == "1" else f" [{task.quantity.unit}]"
    heading = f"{task.quantity.name}{unit}, {task.quantity.direction} is better"
    title = ", ".join(
        [task.place.task, *([task.subject] if task.subject else []), task.place.scale, task.place.backend]
    )
    beside = f"beside {task.anchor}" if task.anchor else "difference"
    lines = [
        r"\begin{table}",
        rf"\caption{{{escaped(title)}}}",
        r"\begin{tabular}{rlrrrrrr}",
        r"\toprule",
        " & ".join(["place", "arm", *map(escaped, (heading, beside)), "$p$", "$g$", "w/t/l", "cases"]) + r" \\",
        r"\midrule",
        *_lines(task),
        r"\bottomrule",
        rf"\multicolumn{{8}}{{p{{\linewidth}}}}{{\footnotesize {escaped(comparison.procedure)}}}",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _lines(task: TaskComparison) -> Iterator[str]:
    pairs = task.beside(task.anchor) if task.anchor else {}
    for standing in task.standings:
        pair = pairs.get(standing.arm.name)
        tested = _tested(pair) if pair else [""] * 4
        cells = [standing.places, standing.arm.name, estimate_text(standing.estimate), *tested, standing.cases]
        yield " & ".join(map(escaped, cells)) + r" \\"


def _tested(pair: Pair) -> list[str]:
    size = pair.result.effect_size
    return [
        change(pair.result.effect, pair.result.scale, pair.quantity),
        p_text(pair.p_value).removeprefix("p = ").removeprefix("p "),
        "" if size is None else f"{size:.2g}",
        f"{pair.wins}/{pair.ties}/{pair.losses}",
    ]
