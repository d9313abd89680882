"""The plugin manager: built-in and third-party plugins on the same hooks, each broken one left out by itself."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

import pluggy

from harness import hookspecs
from harness.backends import Backend
from harness.components import kebab
from harness.errors import HarnessError

ENTRY_POINTS = "harness.plugins"

BUILTIN = {
    "backends": "harness.builtin.backends:TorchBackends",
    "store": "harness.builtin.store:StoreWriter",
    "mlflow": "harness.builtin.mlflow_mirror:MlflowMirror",
    "mlflow-source": "harness.builtin.mlflow_source:MlflowSource",
    "progress": "harness.builtin.progress:Progress",
}
"""The plugins that come with the harness, each imported and made for a command that wants it."""

ESSENTIAL = {"store"}
"""Without these a run is worth nothing: it ends if one fails."""


class Plugins:
    """The plugins of one command. Tells of what is wrong through `warn`."""

    def __init__(self, builtin: Sequence[str] = ("backends",), warn: Callable[[str], None] = warnings.warn) -> None:
        self._manager = pluggy.PluginManager("harness")
        self._manager.add_hookspecs(hookspecs)
        self._warn = warn
        for name in builtin:
            module, _, plugin = BUILTIN[name].partition(":")
            self._manager.register(getattr(importlib.import_module(module), plugin)(), name=name)
        for point in entry_points(group=ENTRY_POINTS):
            try:
                self._manager.register(point.load(), name=point.name)
                self._manager.check_pending()  # a hook that does not exist is a misspelt one
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises must not stop the host
                if self._manager.has_plugin(point.name):
                    self._manager.unregister(name=point.name)
                warn(f"plugin {point.name!r} ({point.value}) is left out: {type(error).__name__}: {error}")

    def notify(self, hook: str, *, to_the_end: bool = False, **arguments: Any) -> list[Any]:
        """Call every plugin's implementation of a hook, each for itself: one that raises is reported and dropped.

        Args:
            hook: its name.
            to_the_end: call the other plugins too where one says that the run cannot go on, and raise that then.
            arguments: of the hook.

        Raises:
            HarnessError: nothing can be stored, or a plugin says that the run cannot go on.
        """
        answers = []
        fatal: HarnessError | None = None
        called = reversed(getattr(self._manager.hook, hook).get_hookimpls())  # pluggy keeps the first to call last
        for implementation in sorted(called, key=lambda one: one.plugin_name not in BUILTIN):
            values = [arguments[name] for name in implementation.argnames]
            try:
                answers.append(implementation.function(*values))
            except HarnessError as error:
                if not to_the_end:
                    raise
                fatal = fatal or error
            except Exception as error:  # as above
                name = implementation.plugin_name
                if name in ESSENTIAL:
                    raise HarnessError(f"{name}: {hook} raised {type(error).__name__}: {error}") from error
                self._warn(f"plugin {name!r} is switched off: {hook} raised {type(error).__name__}: {error}")
                self._manager.unregister(implementation.plugin)
        if fatal:
            raise fatal
        return answers

    def backends(self) -> dict[str, type[Backend]]:
        """Backends by name."""
        found: dict[str, type[Backend]] = {}
        for classes in self.notify("harness_backends"):
            for cls in classes or ():
                if not (isinstance(cls, type) and issubclass(cls, Backend)):
                    self._warn(f"{cls!r} is left out: it is no Backend")
                elif found.setdefault(kebab(cls.__name__), cls) is not cls:
                    self._warn(f"a second backend called {kebab(cls.__name__)!r} is left out: {cls.__module__}")
        return found
