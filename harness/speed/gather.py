"""Speed runs, put in the order of their commits, as histories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeAlias

from harness.errors import HarnessError
from harness.quoting import quoted
from harness.registry.catalogue import nearest
from harness.speed.commits import Commit, Commits
from harness.speed.history import CONFIDENCE, LEAST, Change, Histories, History, Point
from harness.speed.machines import Fingerprint, Machine, fingerprint_of, named
from harness.speed.quantity import SECONDS, Quantity, positive, steadiest
from harness.speed.record import Measured, OperationKey, SpeedRun
from harness.stats.change_points import ChangePoint, change_points
from harness.stats.intervals import median_interval

_Measured: TypeAlias = dict[Commit, list[Measured]]


class _Series(NamedTuple):
    """What the points of a history have in common."""

    key: OperationKey
    at: Fingerprint
    baseline: str


def gather(
    runs: Sequence[SpeedRun], commits: Commits, operation: str | None = None, machine: str | None = None
) -> Histories:
    """The histories of the operations that match.

    Args:
        runs: of any order.
        commits: the line along which they are put in order.
        operation: part of its name, or a glob of the whole; None for all.
        machine: part of its name, in any case; None for all.

    Raises:
        HarnessError: nothing matches, or no run that does is of a commit on the line.
    """
    left_out: Counter[str] = Counter()
    placed = [(run, commit) for run in runs if (commit := _place(run, commits, left_out))]
    if not placed:
        raise HarnessError(f"no speed run is of a commit on the line of HEAD{_reasons(left_out)}")
    machines = named(run.fingerprint for run, _ in placed)
    keys = _matching({one.key for run, _ in placed for one in run.operations}, operation)
    wanted = _chosen(machines, machine)
    series = _series(placed, keys, wanted, left_out)
    if not series:
        raise HarnessError(f"{operation or 'no operation'}: there is no value to show{_reasons(left_out)}")
    found = {one: _history(one, machines, series[one], commits, left_out) for one in series}
    others = {_of_baseline(one) for one in series} - set(series)
    beside = _series(placed, {one.key for one in others}, wanted, Counter())
    known = found | {one: _history(one, machines, beside[one], commits, Counter()) for one in beside}
    told = [_beside(history, known.get(_of_baseline(one))) for one, history in found.items()]
    return Histories(tuple(sorted(told, key=_order)), left_out)


def _order(history: History) -> tuple[str, str, int]:
    return str(history.key), history.machine.name, history.points[0].commit.place


def _of_baseline(one: _Series) -> _Series:
    return one._replace(key=replace(one.key, model=one.baseline))


def _beside(history: History, baseline: History | None) -> History:
    """With a note on the changes that may be those of the baseline."""
    if baseline is None or history.quantity.name != "ratio":
        return history
    moved = {commit for change in baseline.changes for commit in change.candidates}
    noted = (replace(one, beside_baseline=not moved.isdisjoint(one.candidates)) for one in history.changes)
    return replace(history, changes=tuple(noted))


def _place(run: SpeedRun, commits: Commits, left_out: Counter[str]) -> Commit | None:
    """The commit that a run is of; where it is of none, the reason is counted."""
    if run.commit is None:
        left_out["runs outside of a repository"] += 1
    elif run.dirty is not False:
        left_out["runs with uncommitted changes"] += 1
    elif commit := commits.get(run.commit):
        return commit
    else:
        left_out["runs of commits that are not on the line of HEAD, or not in this shallow clone"] += 1
    return None


def _reasons(left_out: Counter[str]) -> str:
    return "".join(f"\n  left out, {reason}: {count}" for reason, count in left_out.items())


def _matching(keys: set[OperationKey], pattern: str | None) -> set[OperationKey]:
    if pattern is None:
        return keys
    found = {key for key in keys if pattern in str(key) or fnmatchcase(str(key), pattern)}
    if not found:
        names = sorted({name for key in keys for name in (key.task, key.operation, key.model, key.backend)})
        raise HarnessError(f"no operation matches {quoted(pattern)}{nearest(pattern, names)}")
    return found


def _chosen(machines: Mapping[Fingerprint, Machine], part: str | None) -> set[Fingerprint]:
    found = {at for at, machine in machines.items() if (part or "").casefold() in machine.name.casefold()}
    if not found:
        known = "\n".join(f"  {name}" for name in sorted(machine.name for machine in machines.values()))
        raise HarnessError(f"no machine matches {quoted(part)}; there are\n{known}")
    return found


def _series(
    placed: Iterable[tuple[SpeedRun, Commit]],
    keys: set[OperationKey],
    machines: set[Fingerprint],
    left_out: Counter[str],
) -> dict[_Series, _Measured]:
    found: dict[_Series, _Measured] = {}
    for run, commit in placed:
        at = fingerprint_of(run.fingerprint)
        for one in run.operations if at in machines else ():
            if one.key not in keys:
                continue
            if one.outcome == "ok" and one.processes and all(positive(process.seconds) for process in one.processes):
                found.setdefault(_Series(one.key, at, one.baseline), {}).setdefault(commit, []).append(one)
            else:
                left_out[f"measurements that are {'damaged' if one.outcome == 'ok' else one.outcome}"] += 1
    return found


def _history(
    one: _Series,
    machines: Mapping[Fingerprint, Machine],
    measured: _Measured,
    commits: Commits,
    left_out: Counter[str],
) -> History:
    judged = steadiest(list(measured.values()), one.baseline)
    in_order = sorted(measured, key=lambda commit: commit.place)
    points = tuple(_point(commit, measured[commit], judged) for commit in in_order if judged.values(measured[commit]))
    if without := sum(not judged.values([each]) for alike in measured.values() for each in alike):
        left_out[f"measurements without a time {judged.label}"] += without
    changes = change_points([point.value.estimate for point in points], min_ratio=LEAST)
    return History(one.key, machines[one.at], judged, points, tuple(_change(each, points, commits) for each in changes))


def _change(found: ChangePoint, points: Sequence[Point], commits: Commits) -> Change:
    last, first = points[found.index - 1].commit, points[found.index].commit
    return Change(found.index, last, commits.after(last, first), found.ratio, found.p_value)


def _point(commit: Commit, measured: Sequence[Measured], judged: Quantity) -> Point:
    value, seconds = (median_interval(one.values(measured), CONFIDENCE) for one in (judged, SECONDS))
    return Point(commit, value, seconds, len(measured))
