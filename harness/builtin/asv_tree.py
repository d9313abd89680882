"""What a speed run measured, in the result tree of asv: the harness measures, asv keeps and shows the history.

`asv show`, `asv compare` and `asv publish` read what is written here. asv has no public interface for writing, so the
classes that it reads with are used and its version is pinned: this module alone knows them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.builtin.asv_series import Series, series
from harness.errors import HarnessError, StoreError
from harness.quoting import one_line
from harness.speed.record import SpeedRun
from harness.store.files import write_atomically

if TYPE_CHECKING:
    from asv.config import Config
    from asv.results import Results

ASV = "0.6.6"
"""The version whose classes are used."""
_MODULE = "speed"
"""The benchmark module that `asv run` reads: what it measures and what is written here are the same benchmarks."""
_VERSION = "1"
"""Of the benchmarks: asv leaves values of another version out."""
_REQUIREMENTS = ("numpy", "torch")
MACHINE = {"os": "system", "arch": "architecture", "cpu": "cpu", "num_cpu": "cores", "ram": "memory_gb"}
"""The words of a fingerprint for what asv wants to know of a machine."""
_SLUG_LENGTH = 32

_Cell: TypeAlias = tuple[float | None, Sequence[float] | None]
"""What asv keeps of an operation: a value (None: it failed, NaN: not measured), and its samples."""
_NOT_MEASURED: _Cell = (math.nan, None)


def record(config: Path, run: SpeedRun) -> Path:
    """Write the values of a run for its commit into the tree that asv's configuration names; all else there stays.

    Values take the place of earlier ones of the same operation, commit, machine and versions; what could not be
    measured this time keeps its earlier ones. The samples of a benchmark are the values of the processes.

    Args:
        config: the path of `asv.conf.json`.
        run: of a commit of the repository that the configuration names.

    Returns:
        The file with the results.

    Raises:
        HarnessError: the run has no values, or they belong to no commit; the configuration or the tree cannot be read;
            asv is not there in the version that is needed.
        StoreError: the tree cannot be written.
    """
    commit = _commit(run)
    _check_version()
    conf = _configuration(config)
    tree = Path(conf.results_dir)
    try:
        with _alone(tree), tempfile.TemporaryDirectory() as folder:
            files = _write(conf, run, commit, Path(folder))
            for file in files:  # asv writes in place: cut in the middle, it would leave half of a file
                (tree / file).parent.mkdir(exist_ok=True)
                write_atomically(tree / file, partial(shutil.copyfile, Path(folder) / file))
    except OSError as error:
        raise StoreError(f"asv's results cannot be written to {tree}: {error}") from error
    return tree / files[-1]


def _commit(run: SpeedRun) -> str:
    """The commit that the values belong to.

    Raises:
        HarnessError: there is none, or there are no values.
    """
    if run.commit is None:
        raise HarnessError(f"{run.id} was measured outside of a git repository: asv keeps values by commit")
    if run.dirty:
        raise HarnessError(
            f"{run.id} was measured with uncommitted changes: its values are not those of {run.commit[:8]}; commit, "
            "then measure again"
        )
    if all(measured.outcome != "ok" for measured in run.operations):
        raise HarnessError(f"{run.id} has no values: none of its operations is ok")
    return run.commit


def _check_version() -> None:
    try:
        found = metadata.version("asv")
    except metadata.PackageNotFoundError:
        raise HarnessError(f"asv is not installed: pip install asv=={ASV}") from None
    if found != ASV:
        raise HarnessError(f"asv {found} is installed, {ASV} is needed (what it writes is no public interface)")


def _configuration(config: Path) -> Config:
    """The configuration, its paths made absolute: asv takes them from the folder that it is called in."""
    from asv.config import Config
    from asv.plugins.git import Git

    if not config.is_file():
        raise HarnessError(f"there is no {config}: docs/speed.md says what asv's configuration has to name")
    with _reading(config):
        conf = Config.load(str(config))
        conf.results_dir = str(config.parent.absolute() / conf.results_dir)
        conf.repo = str(config.parent.absolute() / conf.repo)
    if not Git.is_local_repo(conf.repo):
        raise HarnessError(f'{config}: "repo" has to be the folder of a git repository, such as "."')
    return conf


def _write(conf: Config, run: SpeedRun, commit: str, folder: Path) -> list[str]:
    """Write into an empty folder what the tree is to have, and name the files in the order in which they must go there.

    Results of a machine that is not described, or of benchmarks that are not, would not be seen.
    """
    from asv.benchmarks import Benchmarks
    from asv.machine import Machine
    from asv.results import get_filename

    machine = Machine()
    vars(machine).update(_machine(run.fingerprint))
    results = _results(conf, run, commit, vars(machine))
    file = get_filename(machine.machine, commit, results.env_name)
    with _reading(Path(conf.results_dir, file)):
        results.load_data(conf.results_dir)
    benchmarks = _benchmarks(conf)
    for found in series(run):
        _add(results, benchmarks, found.smaller_is_better(), run.started_at)
    conf.results_dir = str(folder)
    machine.save(conf.results_dir)
    Benchmarks(conf, benchmarks.values()).save()
    results.save(conf.results_dir)
    return [f"{machine.machine}/machine.json", "benchmarks.json", file]


def _results(conf: Config, run: SpeedRun, commit: str, machine: Mapping[str, str]) -> Results:
    """Nothing yet of the commit on a machine like this, with these versions."""
    from asv.environment import get_env_name
    from asv.results import Results

    python = run.fingerprint.get("python", "")
    requirements = {name: run.versions[name] for name in _REQUIREMENTS if name in run.versions}
    environment = get_env_name("harness", python, requirements, {})
    parameters = {**machine, "python": python, **requirements}
    return Results(parameters, requirements, commit, _date(conf, commit), python, environment, {})


def _date(conf: Config, commit: str) -> int:
    """When a commit was written, as asv has it."""
    from asv.plugins.git import Git
    from asv.repo import NoSuchNameError

    repository = Git(conf.repo, conf.project)
    try:
        return int(repository.get_date(repository.get_hash_from_name(commit)))
    except NoSuchNameError:
        raise HarnessError(f"{conf.repo} has no commit {one_line(commit)}: fetch it, or name its repository") from None


def _benchmarks(conf: Config) -> dict[str, dict[str, Any]]:
    """The benchmarks that the tree knows."""
    from asv.benchmarks import Benchmarks

    path = Path(Benchmarks.get_benchmark_file_path(conf.results_dir))
    with _reading(path):
        return dict(Benchmarks.load(conf)) if path.is_file() else {}


def _add(results: Results, benchmarks: dict[str, dict[str, Any]], found: Series, started_at: str) -> None:
    """Add a quantity to the results of the commit, and what is new of it to the benchmarks."""
    from asv.runner import BenchmarkResult

    name = f"{_MODULE}.track_{found.name}"
    known = benchmarks.get(name, {"code": "# measured by `harness speed run`", "timeout": None})
    former = _former(results, name)
    values = {repr(operation): values for operation, values in found.values.items()}
    parameters = list(dict.fromkeys([*known.get("params", [[]])[0], *former, *values]))
    measured = {key: _cell(of) for key, of in values.items() if not any(map(math.isnan, of))}
    cells = {**dict.fromkeys(parameters, _NOT_MEASURED), **former, **measured}
    benchmarks[name] = {
        **known,
        "name": name,
        "type": "track",
        "unit": found.unit,
        "version": _VERSION,
        "params": [parameters],
        "param_names": ["operation"],
    }
    samples = [cells[key][1] for key in parameters]
    results.add_result(
        benchmarks[name],
        BenchmarkResult(
            result=[cells[key][0] for key in parameters],
            samples=samples,
            number=[1 if one else None for one in samples],  # asv makes value and interval from samples that have one
            errcode=0,
            stderr="",
            profile=None,
        ),
        started_at=datetime.fromisoformat(started_at),
        record_samples=True,  # `asv compare` tests them
    )


def _former(results: Results, name: str) -> dict[str, _Cell]:
    """What the results have of a benchmark, by parameter."""
    if name not in results.get_all_result_keys():
        return {}
    parameters = results.get_result_params(name)
    values = results.get_result_value(name, parameters), results.get_result_samples(name, parameters)
    return dict(zip(parameters[0], zip(*values, strict=True), strict=True))


def _cell(values: Sequence[float]) -> _Cell:
    return (values[0], values) if values else (None, None)


def _machine(fingerprint: Mapping[str, str]) -> dict[str, str]:
    """The machine as asv describes one; its name is that of a folder."""
    digest = hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()
    slug = re.sub("[^a-z0-9]+", "-", fingerprint.get("cpu", "").lower())[:_SLUG_LENGTH].strip("-")
    described = {key: fingerprint.get(word, "") for key, word in MACHINE.items()}
    return {"machine": f"{slug or 'machine'}-{digest[:8]}", **described}


@contextmanager
def _alone(tree: Path) -> Iterator[None]:
    """Nobody else records meanwhile: what both read and one writes, the other would undo."""
    tree.mkdir(parents=True, exist_ok=True)
    with (tree / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A file that is not what asv writes is named."""
    from asv.util import UserError

    try:
        yield
    except (UserError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise HarnessError(f"asv cannot read {path}: {one_line(str(error))}") from error
