"""A report as Markdown, for a comment on a pull request: everything but the figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.report.claims import Claim
from harness.report.failures import Failure
from harness.report.report import Report
from harness.report.section import Section
from harness.report.source import Source
from harness.report.table import Table
from harness.report.wording import counted, readable

_SPECIAL = re.compile(r"[\\`*_\[\]#|~$@]|:(?=//|\w+:)|(?<=www)\.|^[-+=]")
"""What begins a link, a mention, a list or other markup, where it could."""
_FAILURES = 20


def markdown(report: Report) -> str:
    """The text; what comes from results is shown as it is, and links, mentions and HTML in it do nothing."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows literally, on one line."""
    line = " ".join(readable(text).split())
    inert = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", inert)


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {escaped(report.title)}", "")
    for source in report.sources:
        statuses = ", ".join(f"{count} {status}" for status, count in source.statuses.items())
        counts = f"{source.done} of {source.planned} cases: {statuses}"
        yield from (escaped(f"{source.name}, {source.state}; {counts}; {source.machine}"), "")
    if report.claims:
        yield from (f"Claims: {report.verdicts}.", "")
    yield from (f"- {escaped(sentence)} ({escaped(task)})" for task, sentence in report.headlines)
    yield from ([f"- and {report.unsaid} more below"] if report.unsaid else [])
    yield from _paragraphs(report.notes)
    for run, cells in report.only_in.items():
        if cells:
            yield from _folded(f"{counted(len(cells), 'cell')} only in {run}", (f"- {escaped(cell)}" for cell in cells))
    yield from _claims(report.claims)
    for section in report.sections:
        yield from _section(section, folded=len(report.sections) > 1)
    for part in report.across:
        yield from _folded(part.title, [*_table(part.table), "", escaped(part.note)])
    yield from _failures(report.failures)
    yield from _paragraphs([f"Procedure: {report.procedure}."] if report.procedure else [])
    for source in report.sources:
        yield from _folded(f"Provenance of {source.name}", _provenance(source))


def _section(section: Section, *, folded: bool) -> Iterator[str]:
    sentences = [f"- {escaped(sentence)}" for sentence in section.sentences]
    more = [f"- and {counted(section.unsaid, 'more pair')}"] if section.unsaid else []
    body = [*_table(section.table), "", *sentences, *more, *_paragraphs(section.notes)]
    title = f"{section.place.task}: {section.subtitle}"
    yield from _folded(title, body) if folded else ("", f"## {escaped(title)}", "", *body)


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(escaped(column.label) for column in table.columns) + " |"
    yield "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|"
    for row in table.rows:
        first, *rest = (escaped(text) for text in row.texts)
        named = {"construction": f"**{first}**", "reference": f"{first} (reference)"}.get(row.role, first)
        yield f"| {' | '.join([named, *rest])} |"


def _claims(claims: Sequence[Claim]) -> Iterator[str]:
    if claims:
        yield from ("", "## Claims", "", "| claim | verdict | reason |", "|---|---|---|")
        for claim in claims:
            cells = (f"{claim.paper}/{claim.name}", claim.verdict, claim.reason)
            yield f"| {' | '.join(map(escaped, cells))} |"


def _failures(failures: Sequence[Failure]) -> Iterator[str]:
    for failure in failures[:_FAILURES]:
        cells = [f"- {escaped(cell)}" for cell in failure.cells]
        more = [f"- and {failure.count - len(cells)} more"] if failure.count > len(cells) else []
        code = _code(failure.traceback) if failure.traceback else []
        yield from _folded(
            f"{counted(failure.count, 'case')} {failure.status}: {failure.error}", [*cells, *more, *code]
        )
    if len(failures) > _FAILURES:
        yield from _paragraphs([f"{len(failures) - _FAILURES} more kinds of failure are in the results"])


def _provenance(source: Source) -> Iterator[str]:
    yield from (f"- {escaped(name)}: {escaped(value)}" for name, value in source.facts.items())
    yield from _code("\n".join(source.commands))


def _folded(summary: str, body: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield from ("", "<details>", f"<summary>{escaped(summary)}</summary>", "", *body, "", "</details>")


def _code(text: str) -> list[str]:
    """A block of code whose fence is longer than any in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return ["", fence, readable(text), fence]


def _paragraphs(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield from ("", escaped(text))
