"""The run that a person names: in the store, in a folder, in another store, or where a plugin finds it."""

from __future__ import annotations

from pathlib import Path

from harness.cli.warnings import warn
from harness.errors import HarnessError


def run_folder(reference: str | None, store: Path) -> Path:
    """The folder of a run.

    Args:
        reference: part of a run's name, a run's folder, a store's folder (its latest run), `PREFIX:NAME` as plugins
            know it, such as `mlflow:NAME`; None for the latest run.
        store: the folder of runs.

    Raises:
        HarnessError: there is no such run, or several.
    """
    from harness.store.store import RECORD, Store

    opened = Store(store, warn)
    if reference is None:
        return store / opened.find(None)
    path = Path(reference).absolute()
    try:
        if (path / RECORD).is_file():
            return path
        if path.is_dir() and (other := Store(path, warn)).runs():
            return path / other.find(None)
    except OSError as error:
        raise HarnessError(f"{reference}: cannot be read: {error.strerror}") from error
    return _elsewhere(reference, store) or store / opened.find(reference)


def _elsewhere(reference: str, store: Path) -> Path | None:
    if ":" not in reference:
        return None
    from harness.plugins import Plugins

    found = Plugins(["mlflow-source"], warn).notify("harness_find_run", reference=reference, store=store)
    folders = [folder for folder in found if folder is not None]
    if not folders:
        raise HarnessError(f"{reference!r} names no run: no plugin knows its prefix, and it is not a folder")
    folder: Path = folders[0]
    return folder
