"""Verdicts on the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from harness.claims.table import details, verdict_table

FINDING = {
    "what": "cost of a/x",
    "verdict": "failed",
    "bound": "in [0, 1]",
    "estimate": 2.5,
    "low": 2.25,
    "high": 2.75,
    "margin": -1.5,
    "reason": "",
}
RECORD = {
    "claim": "a/b",
    "verdict": "failed",
    "figure": "1",
    "telling": FINDING,
    "findings": [FINDING, {**FINDING, "verdict": "held", "what": "other"}],
    "reason": "",
    "cells": 3,
    "seconds": 90.0,
}


def shown(*records) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(verdict_table(records))
    for line in details(records):
        console.print(line, soft_wrap=True)
    return console.file.getvalue()


def test_a_line_shows_the_verdict_beside_the_figure() -> None:
    text = shown(RECORD)
    (line,) = [line for line in text.splitlines() if line.strip().startswith("│ a/b") and "│" in line]
    assert [part.strip() for part in line.strip("│ ").split("│")] == [
        "a/b",
        "failed",
        "1",
        "2.5 [2.25, 2.75], in [0, 1] cost of a/x",
        "-1.5",
        "3",
        "90 s",
    ]


def test_what_did_not_hold_is_told_in_full_and_the_rest_is_not() -> None:
    text = shown(RECORD)
    assert "\n  cost of a/x = 2.5 [2.25, 2.75], in [0, 1]: failed\n" in text
    assert "other" not in text
    assert list(details([{**RECORD, "verdict": "held"}])) == []


def test_the_test_of_a_check_is_told() -> None:
    trials = {"noise 0": "failed", "too little": "inconclusive"}
    good = {"passed": True, "complaint": "", "trials": trials}
    useless = {"passed": False, "complaint": "still holds with results noise 0", "trials": trials}
    held = {**RECORD, "verdict": "held"}
    assert "a/b its check refuses 2 sabotages" in shown({**held, "self_test": good})
    assert "a/b its check still holds with results noise 0" in shown({**held, "self_test": useless})


def test_nothing_of_it_is_markup() -> None:
    hostile = "[red]x[/] \x1b[31m"
    finding = {**FINDING, "what": hostile, "reason": hostile, "estimate": None}
    record = {
        **RECORD,
        "claim": hostile,
        "figure": hostile,
        "reason": hostile,
        "telling": finding,
        "findings": [finding],
    }
    text = shown(record)
    assert "\x1b" not in text
    assert text.count("[red]x[/]") == 7
