"""Verdicts as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from harness.claims.verdicts import Record, finding_text, interval_text
from harness.tables import duration, inert

_COLOURS = {"held": "green", "failed": "red", "inconclusive": "yellow"}


def verdict_table(records: Sequence[Record]) -> Table:
    """A line for each claim: the verdict, the paper's figure, ours with its interval and margin."""
    table = Table(header_style="bold")
    for heading in ("claim", "verdict", "the paper says", "here"):
        table.add_column(heading, overflow="fold")
    for heading in ("margin", "cells", "time"):
        table.add_column(heading, justify="right")
    for record in records:
        told = record["telling"]
        here = f"{inert(interval_text(told))}, {told['bound']} [dim]{inert(told['what'])}[/]" if told else ""
        margin = "" if not told or told["margin"] is None else f"{told['margin']:.3g}"
        verdict = f"[{_COLOURS[record['verdict']]}]{record['verdict']}[/]"
        row = (f"[bold]{inert(record['claim'])}[/]", verdict, inert(record["figure"]), here, margin)
        table.add_row(*row, str(record["cells"]), duration(record["seconds"]))
    return table


def details(records: Sequence[Record]) -> Iterator[str]:
    """What did not hold, with its findings; what the test of the checks themselves found."""
    for record in records:
        if record["verdict"] != "held":
            reason = f": {inert(record['reason'])}" if record["reason"] else ""
            yield f"[bold]{inert(record['claim'])}[/] {record['verdict']}{reason}"
            for finding in record["findings"]:
                if finding["verdict"] != "held":
                    yield f"  {inert(finding_text(finding))}"
        if "self_test" in record:
            complaint = record["self_test"]["complaint"]
            trials = len(record["self_test"]["trials"])
            said = f"[red]its check {inert(complaint)}[/]" if complaint else f"its check refuses {trials} sabotages"
            yield f"[bold]{inert(record['claim'])}[/] {said}"
