"""The files of a run in MLflow: those of its folder, and what is made of its results."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from harness.claims.verdicts import VERDICTS
from harness.compare.comparison import compare
from harness.compare.options import Options
from harness.errors import HarnessError
from harness.report.page import page
from harness.report.report import gather
from harness.report.source import read_source
from harness.store.digests import DIGESTS
from harness.store.store import RECORD, SUITE, TABLE
from harness.store.table import write_table


def artifacts(run: Path, table: pa.Table, made: Path) -> Iterator[Path]:
    """The files.

    Args:
        run: the run's folder.
        table: its results.
        made: a folder for what is made: the report, the comparison, and the results of a run that was broken off.
    """
    for name in (SUITE, RECORD, TABLE, VERDICTS, DIGESTS):
        if (run / name).is_file():
            yield run / name
    if not (run / TABLE).is_file():
        write_table(made / TABLE, table)
        yield made / TABLE
    with contextlib.suppress(HarnessError):
        (made / "report.html").write_text(page(gather([read_source(run)], Options())), encoding="utf-8")
        yield made / "report.html"
    with contextlib.suppress(HarnessError):  # nothing to compare
        compared = json.dumps(compare(table).plain(), indent=1, allow_nan=False)
        (made / "comparison.json").write_text(compared, encoding="utf-8")
        yield made / "comparison.json"
