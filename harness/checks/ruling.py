"""The verdict on a whole claim: what its check says, unless results are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from harness.checks.check import Check
from harness.checks.evidence import Cell, Evidence
from harness.checks.samples import CheckError
from harness.checks.verdict import Judgement, Verdict


def rule(check: Check, evidence: Evidence) -> Judgement:
    """Judge a claim. Whatever is missing, it cannot hold; what the rest contradicts fails all the same.

    A construction whose answer was not a legal one fails its claim.
    """
    try:
        gaps = {id(cell): cell for one in check.measured() for cell in one.gaps(evidence)}.values()
    except CheckError as error:
        return Judgement(Verdict.INCONCLUSIVE, reason=f"cannot be checked: {error}")
    judgement = check.attempt(evidence)
    return _with_gaps(judgement, list(gaps), len(evidence.cells)) if gaps else judgement


def _with_gaps(judgement: Judgement, gaps: Sequence[Cell], total: int) -> Judgement:
    wrong = [cell for cell in gaps if cell.status == "invalid" and cell.role == "construction"]
    counted = Counter("without the metric" if cell.status == "ok" else cell.status for cell in gaps)
    reason = f"{', '.join(f'{count} {status}' for status, count in counted.items())} of {total} cells"
    first = next((cell for cell in (*wrong, *gaps) if cell.error), gaps[0])
    reason += f", such as {first}" + (f": {first.error}" if first.error else "")
    verdict = Verdict.FAILED if wrong or judgement.verdict is Verdict.FAILED else Verdict.INCONCLUSIVE
    return replace(judgement, verdict=verdict, reason="; ".join(filter(None, (reason, judgement.reason))))
