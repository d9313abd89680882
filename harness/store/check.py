"""Whether what lies in a store is what was written: digests, checksums, versions, and what a broken-off run left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import DamagedError
from harness.store.damage import DamagedFileError
from harness.store.digests import DIGESTS, digest, intact, read_digests
from harness.store.files import abandoned
from harness.store.store import JOURNAL, RECORD, SUITE, TABLE, Store
from harness.store.versions import OLD_JOURNAL


@dataclass(frozen=True)
class Problem:
    """Something wrong with a file of a run."""

    run: str
    file: str
    """Its name in the run's folder; empty for the folder itself."""
    what: str
    harmless: bool = False
    """Whether it is no more than what a run leaves that was broken off."""

    def __str__(self) -> str:
        return f"{self.run}/{self.file} {self.what}"


def stored(store: Store) -> list[str]:
    """The folders that are runs, or were until they lost their record.

    Raises:
        HarnessError: the store cannot be read.
    """
    runs = set(store.runs())
    lost = (path.parent.name for name in (DIGESTS, JOURNAL) for path in store.root.glob(f"*/{name}"))
    return sorted(runs.union(lost))


def problems(store: Store, run: str) -> Iterator[Problem]:
    """All that is wrong with a run."""
    try:
        for look in (_record, _results, _digests, _leftovers):
            yield from look(store, run)
    except OSError as error:
        yield Problem(run, "", f"cannot be read: {error.strerror}")


def _record(store: Store, run: str) -> Iterator[Problem]:
    try:
        record = store.record(run)
    except DamagedError as error:
        yield _problem(run, RECORD, error)
        return
    if record["finished_at"] and record.get("schema", 1) > 1 and not (store.root / run / DIGESTS).is_file():
        yield Problem(run, DIGESTS, "is missing: the end of the run was broken off, or the file is lost")
    if record["finished_at"] and not (store.root / run / TABLE).is_file():
        yield Problem(run, TABLE, "is missing, though the run was finished")


def _results(store: Store, run: str) -> Iterator[Problem]:
    try:
        damage = store.reading(run).damage
    except DamagedError as error:
        yield _problem(run, TABLE, error)
        return
    if damage:
        yield Problem(run, damage.path.name, damage.what)


def _digests(store: Store, run: str) -> Iterator[Problem]:
    folder = store.root / run
    listed = read_digests(folder)
    if (folder / DIGESTS).is_file() and not (intact(folder) and {RECORD, SUITE, TABLE} <= {*listed}):
        yield Problem(run, DIGESTS, "is damaged: it is not the list of the run's files")
    for name, expected in listed.items():
        if name == TABLE:
            continue  # compared where the results are read
        if not (folder / name).is_file():
            yield Problem(run, name, "is missing")
        elif digest((folder / name).read_bytes()) != expected:
            yield Problem(run, name, f"is damaged: its digest is another than that in {DIGESTS}")


def _leftovers(store: Store, run: str) -> Iterator[Problem]:
    folder = store.root / run
    for path in abandoned(folder):
        yield Problem(run, path.name, "is left over from a run that was broken off: it can be deleted", harmless=True)
    for name in (JOURNAL, OLD_JOURNAL):
        if (folder / name).is_file() and (folder / TABLE).is_file():
            yield Problem(run, name, f"is left over, {TABLE} has what it holds: it can be deleted", harmless=True)


def _problem(run: str, file: str, error: DamagedError) -> Problem:
    if isinstance(error, DamagedFileError):
        return Problem(run, error.damage.path.name, error.damage.what)
    return Problem(run, file, str(error))
