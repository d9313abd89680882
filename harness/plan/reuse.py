"""Which cases have to run, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.plan.case import Case, Fingerprint
from harness.results import Result, Status
from harness.store.store import Past, Store


@dataclass(frozen=True)
class Planned:
    """A case with what is to be done about it."""

    case: Case
    reason: str = ""
    """Why it has to run; empty if it is reused."""
    reused: Result | None = None
    skipped: str = ""
    """Why it cannot run here."""
    expected_seconds: float | None = None
    """How long it took when it last ran."""

    @property
    def to_run(self) -> bool:
        """Whether it will be executed."""
        return self.reused is None and not self.skipped


class History:
    """What earlier runs of a store know of the cases at hand."""

    def __init__(self, store: Store, cases: Sequence[Case]) -> None:
        self._store = store
        self._past: dict[str, list[Past]] = {}
        for key, past in store.past({case.key for case in cases}):
            self._past.setdefault(key, []).append(past)
        self._records: dict[str, dict[str, Any]] = {}

    def plan(self, cases: Sequence[Case], *, fresh: bool = False) -> list[Planned]:
        """Reuse what is ok and up to date; run the rest, each with its reason."""
        finished = {} if fresh else self._finished(cases)
        planned = []
        for case in cases:
            past = self._past.get(case.key, [])
            seconds = next((one.seconds for one in past if one.status == Status.OK), None)
            if case.id in finished:
                planned.append(Planned(case, reused=finished[case.id], expected_seconds=seconds))
            else:
                reason = "asked for afresh" if fresh and past else self._reason(case, past)
                planned.append(Planned(case, reason, expected_seconds=seconds))
        return planned

    def _finished(self, cases: Sequence[Case]) -> dict[str, Result]:
        """The latest result of each case that is ok and can be read."""
        wanted: dict[str, set[str]] = {}
        for case in cases:
            for one in self._past.get(case.key, []):
                if one.case == case.id and one.status == Status.OK:
                    wanted.setdefault(one.run, set()).add(case.id)
        found: dict[str, Result] = {}
        for run in sorted(wanted, reverse=True):
            if left := wanted[run] - found.keys():
                found.update((case, result) for case, result in self._store.results(run) if case in left)
        return found

    def _reason(self, case: Case, past: Sequence[Past]) -> str:
        if not past:
            lost = sorted(self._store.incomplete)
            return f"new, or among what cannot be read of {', '.join(lost)}" if lost else "new"
        last = past[0]
        if last.case == case.id:
            return f"its result in {last.run} is damaged" if last.status == Status.OK else f"was {last.status}"
        if last.fingerprint == case.fingerprint.id:
            return "other metrics or another machine"
        known = self._record(last.run).get("fingerprints", {}).get(last.fingerprint)
        return "; ".join(_changes(known, case.fingerprint)) if known else "code changed"

    def _record(self, run: str) -> dict[str, Any]:
        if run not in self._records:
            self._records[run] = dict(self._store.records([run])).get(run, {})
        return self._records[run]


def _changes(old: dict[str, Any], new: Fingerprint) -> list[str]:
    """What differs between two fingerprints, in words."""
    changes = []
    sources = old["sources"]
    if edited := [name for name, digest in new.sources.items() if name in sources and sources[name] != digest]:
        changes.append(f"source changed: {', '.join(edited)}")
    if added := [name for name in new.sources if name not in sources]:
        changes.append(f"now imports {', '.join(added)}")
    if removed := [name for name in sources if name not in new.sources]:
        changes.append(f"no longer imports {', '.join(removed)}")
    versions = old["versions"]
    for name in sorted({*versions, *new.versions}):
        before, after = versions.get(name, "none"), new.versions.get(name, "none")
        if before != after:
            changes.append(f"{name} {before} -> {after}")
    if old["python"] != new.python:
        changes.append(f"Python {old['python']} -> {new.python}")
    return changes
