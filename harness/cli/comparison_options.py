"""The options of a comparison, which several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def fraction(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """A number such as `0.02`, or a percentage such as `2%`."""
    if value is None:
        return None
    try:
        return float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither a number nor a percentage, such as 0.02 or 2%") from None


_OPTIONS = (
    click.option("--metric", metavar="PATTERN", help="Metrics to compare by.  [default: each task's first]"),
    click.option("--baseline", metavar="MODEL", help="Compare each model with this one, instead of each with each."),
    click.option(
        "--alpha", type=float, default=0.05, show_default=True, help="Level of the tests; 1 - ALPHA of intervals."
    ),
    click.option(
        "--rope",
        metavar="PERCENT",
        callback=fraction,
        help="Differences up to this do not matter: 2%, or 0.02 in the unit.",
    ),
    click.option(
        "--test", type=click.Choice(["t", "wilcoxon", "permutation", "bootstrap"]), default="t", show_default=True
    ),
    click.option("--correction", type=click.Choice(["holm", "fdr_bh", "none"]), default="holm", show_default=True),
)
"""Named like the fields of `harness.compare.options.Options`."""


def comparison_options(command: _Command) -> _Command:
    """Give a command the options by which models are compared."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
