"""The ledger: the last verdict on every claim with its evidence, a pair of files for each paper, and a page of all.

`claims/PAPER.json` holds the verdicts, `claims/PAPER.parquet` the results that they rest on (by the key of each case),
and `claims.md` is made from them. All are small and meant to be committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.claims.choice import Chosen
from harness.claims.gather import COLUMNS
from harness.claims.verdicts import Record, finding_text, interval_text, number_text
from harness.papers import Claim
from harness.quoting import printable
from harness.store.damage import DamagedFileError, read_json
from harness.store.files import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = "claims.md"
_MARKS = {"held": "✔ held", "failed": "✘ failed", "inconclusive": "? inconclusive"}


class Ledger:
    """The verdicts that a store keeps."""

    def __init__(self, store: Path) -> None:
        self._page = store / PAGE
        self._folder = store / "claims"

    def papers(self) -> list[str]:
        """The papers with verdicts."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def records(self, paper: str) -> list[Record]:
        """The verdicts on a paper's claims, in the order of its card.

        Raises:
            DamagedError: they cannot be read.
        """
        path = self._folder / f"{paper}.json"
        records: list[Record] = read_json(path) if path.is_file() else []
        return records

    def evidence(self, paper: str) -> pa.Table:
        """The results that the verdicts on a paper's claims rest on.

        Raises:
            DamagedError: they cannot be read.
        """
        import pyarrow.parquet as pq

        path = self._folder / f"{paper}.parquet"
        try:
            return pq.read_table(path)
        except (OSError, ValueError) as error:
            raise DamagedFileError(path, f"cannot be read: {' '.join(str(error).split())[:200]}") from error

    def update(
        self, chosen: Sequence[Chosen], records: Sequence[Record], table: pa.Table, card: Sequence[Claim]
    ) -> None:
        """Put in the verdicts on claims of one paper, with the results they rest on.

        Args:
            chosen: the claims that were judged.
            records: their verdicts.
            table: the results.
            card: all claims of the paper; what is not among them any more leaves the ledger.
        """
        paper = chosen[0].paper
        self._folder.mkdir(parents=True, exist_ok=True)
        merged = {record["claim"]: record for record in (*self.records(paper), *records)}
        kept = [merged[name] for claim in card if (name := f"{paper}/{claim.name}") in merged]
        self._write_evidence(paper, chosen, table, card)
        _write(self._folder / f"{paper}.json", json.dumps(kept, indent=1, ensure_ascii=False) + "\n")

    def write_page(self) -> None:
        """Make the page of all verdicts anew."""
        _write(self._page, page({paper: self.records(paper) for paper in self.papers()}))

    def _write_evidence(self, paper: str, chosen: Sequence[Chosen], table: pa.Table, card: Sequence[Claim]) -> None:
        """Put in what any of the paper's claims reads of these cells: others may share them."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        keys = pa.array({case.key for one in chosen for case in one.cases}, pa.string())
        metrics = pa.array({one.metric for claim in card for one in claim.check.measured()}, pa.string())
        read = pc.or_(pc.is_in(table["metric"], metrics), pc.is_null(table["metric"]))
        rows = table.select(list(COLUMNS)).filter(pc.and_(pc.is_in(table["key"], keys), read))
        path = self._folder / f"{paper}.parquet"
        if path.is_file():
            before = self.evidence(paper)
            rows = pa.concat_tables([before.filter(pc.invert(pc.is_in(before["key"], keys))), rows])
        rows = rows.sort_by("key").replace_schema_metadata(None)
        write_atomically(path, lambda temporary: pq.write_table(rows, temporary, compression="zstd"))


def page(papers: dict[str, list[Record]]) -> str:
    """The ledger as Markdown."""
    records = [record for found in papers.values() for record in found]
    counted = ", ".join(f"{sum(one['verdict'] == verdict for one in records)} {verdict}" for verdict in _MARKS)
    lines = [
        "# Claims",
        "",
        "What papers say, put to the test. Made by `harness claims`, with the results in `claims/`; not to be edited.",
        "",
        f"{len(records)} claims of {len(papers)} papers: {counted}.",
    ]
    for paper, found in papers.items():
        lines += ["", f"## {paper}", "", *_table(found), "", *_details(found)]
    return "\n".join(lines) + "\n"


def _table(records: Iterable[Record]) -> list[str]:
    rows = ["| claim | verdict | the paper says | here | margin | cells | time |", "|---|---|---|---|---|---|---|"]
    for record in records:
        told = record["telling"]
        here = f"{interval_text(told)}, {told['bound']}" if told else ""
        margin = number_text(told["margin"]) if told else ""
        cells = [record["claim"].partition("/")[2], _MARKS[record["verdict"]], record["figure"], here, margin]
        cells += [str(record["cells"]), f"{record['seconds']:.0f} s"]
        rows.append(f"| {' | '.join(map(_inert, cells))} |")
    return rows


def _details(records: Iterable[Record]) -> list[str]:
    lines = []
    for record in records:
        origin = f"{record['date']}, {_machine(record['machine'])}, {_commit(record)}, scale {record['scale']}"
        lines += [f"**{_inert(record['claim'].partition('/')[2])}**: {_inert(record['statement'])}", ""]
        lines += [f"- needed: {_inert(record['criterion'])}"]
        lines += [f"- {record['verdict']}" + (f": {_inert(record['reason'])}" if record["reason"] else "")]
        lines += [f"  - {_inert(finding_text(finding))}" for finding in record["findings"]]
        lines += [f"- {_inert(origin)}, seeds {_seeds(record['seeds'])}", ""]
    return lines


def _machine(machine: dict[str, Any]) -> str:
    return f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}"


def _commit(record: Record) -> str:
    if not record["commit"]:
        return "no commit"
    return f"commit {record['commit'][:10]}" + (" with changes" if record["dirty"] else "")


def _seeds(seeds: Sequence[int]) -> str:
    whole = len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1))
    return f"{seeds[0]}..{seeds[-1]}" if whole else ", ".join(map(str, seeds))


def _inert(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    for character in "\\`*_<>|[]&~$#":
        text = text.replace(character, f"\\{character}")
    return printable(" ".join(text.split()))


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
