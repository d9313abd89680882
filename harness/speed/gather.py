"""Speed runs, put in the order of their commits, as histories."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias, TypeGuard

from harness.errors import HarnessError
from harness.quoting import quoted
from harness.registry.catalogue import nearest
from harness.speed.commits import Commit, Commits
from harness.speed.history import CONFIDENCE, LEAST, Change, Histories, History, Point
from harness.speed.machines import Fingerprint, Machine, fingerprint_of, named
from harness.speed.record import Measured, OperationKey, SpeedRun
from harness.stats.change_points import ChangePoint, change_points
from harness.stats.intervals import median_interval

_Series: TypeAlias = dict[Commit, list[Measured]]


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
    ordered = sorted(series, key=lambda one: (str(one[0]), machines[one[1]].name))
    return Histories(tuple(_history(key, machines[at], series[key, at], commits) for key, at in ordered), left_out)


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
) -> dict[tuple[OperationKey, Fingerprint], _Series]:
    found: dict[tuple[OperationKey, Fingerprint], _Series] = {}
    for run, commit in placed:
        at = fingerprint_of(run.fingerprint)
        for one in run.operations if at in machines else ():
            if one.key not in keys:
                continue
            if one.outcome == "ok" and one.processes and all(_is_time(process.seconds) for process in one.processes):
                found.setdefault((one.key, at), {}).setdefault(commit, []).append(one)
            else:
                left_out[f"measurements that are {'damaged' if one.outcome == 'ok' else one.outcome}"] += 1
    return found


def _is_time(seconds: float | None) -> TypeGuard[float]:
    return seconds is not None and 0 < seconds < math.inf


def _history(key: OperationKey, machine: Machine, series: _Series, commits: Commits) -> History:
    points = tuple(_point(commit, series[commit]) for commit in sorted(series, key=lambda commit: commit.place))
    values = [point.seconds.estimate for point in points]
    changes = tuple(_change(one, points, commits) for one in change_points(values, min_ratio=LEAST))
    return History(key, machine, points, changes)


def _change(found: ChangePoint, points: Sequence[Point], commits: Commits) -> Change:
    last, first = points[found.index - 1].commit, points[found.index].commit
    return Change(found.index, last, commits.after(last, first), found.ratio, found.p_value)


def _point(commit: Commit, measured: list[Measured]) -> Point:
    processes = [process for one in measured for process in one.processes]
    units = [one.seconds / one.calibration_seconds for one in processes if _is_time(one.calibration_seconds)]
    seconds = median_interval([one.seconds for one in processes], CONFIDENCE)
    return Point(commit, seconds, statistics.median(units) if units else None, len(measured))
