"""A verdict with everything that is needed to redo it, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.checks.ruling import rule
from harness.claims.choice import Chosen, as_yaml
from harness.claims.gather import evidence, seconds_spent
from harness.claims.sabotage import SelfTest, self_test
from harness.claims.verdicts import Record

if TYPE_CHECKING:
    import pyarrow as pa


def judge(chosen: Sequence[Chosen], table: pa.Table, run: Mapping[str, Any], *, tested: bool) -> list[Record]:
    """The verdicts on claims by the results of a run.

    Args:
        chosen: the claims.
        table: the results.
        run: the run's record, as in `run.json`.
        tested: whether to test the checks themselves.
    """
    return [_record(one, table, run, tested=tested) for one in chosen]


def _record(one: Chosen, table: pa.Table, run: Mapping[str, Any], *, tested: bool) -> Record:
    results = evidence(one.cases, table)
    judgement = rule(one.claim.check, results)
    origin, scale = run["provenance"], one.cases[0].scale
    record: Record = {
        "claim": one.name,
        "statement": one.claim.statement,
        "figure": one.claim.figure,
        "criterion": one.claim.criterion,
        "verdict": str(judgement.verdict),
        "reason": judgement.reason,
        "telling": judgement.telling and judgement.telling.plain(),
        "findings": [finding.plain() for finding in judgement.findings],
        "scale": scale,
        "cells": len(one.cases),
        "seeds": sorted({case.seed for case in one.cases}),
        "seconds": seconds_spent(one.cases, table),
        "run": run["run"],
        "date": run["started_at"][:10],
        "commit": origin["commit"],
        "dirty": origin["dirty"],
        "machine": origin["machine"],
        "versions": origin["versions"],
        "suite": as_yaml(one.name, [one.claim], scale),
    }
    return {**record, "self_test": _plain(self_test(one.claim.check, results))} if tested else record


def _plain(test: SelfTest) -> dict[str, Any]:
    trials = {trial.sabotage: str(trial.verdict) for trial in test.trials}
    return {"passed": test.passed, "complaint": test.complaint, "trials": {**trials, "too little": str(test.thinned)}}
