"""The faults that are tested, and the table of them in the documentation: `python tests/core/faults/faults.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[3] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
_TIME = {"time": "600 ms"}
_MEMORY = {"memory": "300 MB", "time": "60 s"}


@dataclass(frozen=True)
class Fault:
    """One way of going wrong, and what has to come of it."""

    name: str
    what: str
    status: str = "ok"
    error: str = ""
    """A regular expression for the whole error."""
    model: Any = None
    """The entry of the suite; the default is the toy model of this name."""
    task: str = "guessing/guess"
    metrics: tuple[str, ...] = ("error",)
    limits: Mapping[str, str] = field(default_factory=dict)
    traceback: str = ""
    """What the traceback holds."""
    peak_known: bool = True
    """Whether what it used at most can be told: only the server that forked it could."""
    output: str = ""
    """What the end of the captured output holds."""

    @property
    def entry(self) -> Any:
        return self.model or {"faulty/faulty": {"how": self.name}}


def model_faults() -> Iterator[Fault]:
    """What a model does when it is called."""
    own = "toy_papers/faulty.py"
    yield Fault("raises", "raises an exception", "failed", "RuntimeError: on purpose", traceback=own)
    yield Fault(
        "raises-at-import",
        "imports what cannot be imported",
        "failed",
        "ImportError: a library is missing",
        traceback=own,
    )
    yield Fault(
        "raises-unspeakable",
        "raises an exception that can be neither shown nor pickled",
        "failed",
        r"UnspeakableError: \(its text cannot be shown: RuntimeError\)",
        traceback="UnspeakableError: <exception str() failed>",
    )
    yield Fault(
        "raises-a-novel", "raises an exception with 13 MB of text", "failed", "RuntimeError: (a long story )+.*"
    )
    yield Fault("raises-system-exit", "calls `sys.exit`", "failed", "SystemExit: enough", traceback=own)
    yield Fault("raises-keyboard-interrupt", "raises `KeyboardInterrupt`", "failed", "KeyboardInterrupt", traceback=own)
    yield Fault("recurses", "recurses without end", "failed", "RecursionError: .*", traceback=own)
    yield Fault("exits", "ends its process (`os._exit(7)`)", "crashed", "its process ended with exit code 7")
    yield Fault("exits-as-if-well", "ends its process (`os._exit(0)`)", "crashed", "its process ended with exit code 0")
    yield Fault("segfaults", "reads address 0", "crashed", "its process was killed by SIGSEGV", traceback=own)
    yield Fault("is-killed", "is killed by SIGKILL", "crashed", "its process was killed by SIGKILL")
    yield Fault("aborts-in-c", "calls `abort` in C", "crashed", "its process was killed by SIGABRT", traceback=own)
    timeout: dict[str, Any] = {"status": "timeout", "error": "stopped at its limit of 0.6 s", "limits": _TIME}
    yield Fault("hangs", "loops for ever in Python", **timeout, traceback="in hangs")
    yield Fault("hangs-in-c-with-the-gil", "sleeps in C and holds the GIL", **timeout, traceback="in hangs_in_c")
    yield Fault("ignores-signals", "sleeps and ignores SIGTERM and every other signal that can be", **timeout)
    yield Fault("sleeps-with-children", "sleeps, with a child and a child in a session of its own", **timeout)


def process_faults() -> Iterator[Fault]:
    """What a model leaves behind, or does to processes."""
    yield Fault("leaves-a-child", "leaves a child process: it is killed")
    yield Fault("leaves-a-daemon", "leaves a daemon (forked twice, in its own session): it is killed")
    yield Fault(
        "exits-and-leaves-a-daemon", "does so and ends its process", "crashed", "its process ended with exit code 7"
    )
    yield Fault("leaves-threads", "leaves a thread that does not end")
    yield Fault("forks-and-returns-twice", "forks, and both processes return: one result counts")
    yield Fault("forks-and-raises-in-one", "forks, and the child raises: the parent's result counts")
    yield Fault("forks-a-hundred", "starts a hundred processes, each in its own session: all are killed")
    killed = "the server of its process died while it ran"
    yield Fault(
        "kills-its-parent", "kills the server that its process was forked from", "crashed", killed, peak_known=False
    )
    yield Fault(
        "stops-its-parent",
        "suspends that server and sleeps",
        "timeout",
        "stopped at its limit of 0.6 s",
        limits=_TIME,
        peak_known=False,
    )


def memory_faults() -> Iterator[Fault]:
    """What a model allocates, with a limit of 300 MB."""
    memory: dict[str, Any] = {"status": "out-of-memory", "limits": _MEMORY}
    numpy = "_?ArrayMemoryError: Unable to allocate .*|MemoryError.*"
    torch = "RuntimeError: .*can't allocate memory.*"
    yield Fault("allocates-at-once", "asks for a terabyte (bytes)", error="MemoryError", **memory)
    yield Fault("allocates-slowly", "takes a megabyte after the other (bytes)", error="MemoryError", **memory)
    yield Fault("allocates-small-objects", "fills a list without end", error="MemoryError", **memory)
    yield Fault("allocates-numpy-at-once", "asks for terabytes (NumPy)", error=numpy, **memory)
    yield Fault("allocates-numpy-slowly", "takes a megabyte after the other (NumPy)", error=numpy, **memory)
    for how, what in (
        ("at-once", "asks for terabytes (torch)"),
        ("slowly", "takes a megabyte after the other (torch)"),
    ):
        model = {"faulty-torch/faulty-torch": {"how": f"allocates-{how}"}}
        yield Fault(f"allocates-torch-{how}", what, error=torch, model=model, **memory)
    over = "stopped when its processes held more than its limit of 0.3 GB"
    yield Fault("allocates-in-children", "has three children that take 150 MB each", error=over, **memory)
    yield Fault("allocates-shared-memory", "takes half a gigabyte of shared memory", error=over, **memory)


def state_faults() -> Iterator[Fault]:
    """What a model does to its process, its files and its channels."""
    yield Fault(
        "floods-its-output",
        "writes 32 MB to stdout and stderr, then raises: the end of it is kept",
        "failed",
        "RuntimeError: after many words",
        output="last words",
    )
    yield Fault("closes-its-output", "closes stdout and stderr")
    yield Fault("closes-every-descriptor", "closes every descriptor", "crashed", "its process ended with exit code 1")
    yield Fault("replaces-its-output", "sets `sys.stdout`, `sys.stderr` and `sys.stdin` to None")
    yield Fault(
        "changes-everything",
        "changes working directory, environment, locale, warnings, NumPy's errors, umask, import path, recursion "
        "limit, collector, signal handlers and alarms, random state: the next case finds all of it as it was",
    )
    yield Fault(
        "changes-torch",
        "changes torch's default dtype, device, threads, gradients and determinism: the next finds them as they were",
        model={"faulty-torch/faulty-torch": {"how": "changes-defaults"}},
    )
    yield Fault("mutates-its-instance", "overwrites the instance: the next has its own", task="faulty/mutable-guess")
    yield Fault(
        "uses-up-the-descriptors", "opens files until there are no descriptors", "failed", "OSError: .*Too many.*"
    )
    yield Fault("keeps-many-descriptors", "leaves 200 descriptors open")
    yield Fault("deletes-its-folder", "deletes its scratch directory")
    yield Fault("reads-standard-input", "reads standard input: it is empty", "failed", "EOFError: .*")
    garbled = "its process sent what is no result"
    yield Fault("babbles-to-the-harness", "writes text to the worker's channel", "crashed", garbled)
    yield Fault("sends-a-result-of-its-own", "forges the result of another case", "crashed", garbled)
    yield Fault("sends-without-end", "writes to the worker's channel without end", "crashed", garbled)
    yield Fault("limits-itself", "sets limits for its process that leave it nothing")


def value_faults() -> Iterator[Fault]:
    """What a model, a task or a metric returns."""
    yield Fault("returns-nan", "returns NaN", "invalid", "metric error is nan")
    yield Fault("returns-infinity", "returns infinity", "invalid", "metric error is inf")
    yield Fault("returns-another-type", "returns a string", "invalid", "a guess is a float, not str")
    yield Fault("returns-a-gigabyte", "returns 1 GB", "invalid", "a guess is a float, not bytes")
    torch: dict[str, Any] = {"status": "invalid", "task": "faulty-torch/double"}
    for how, what, error in (
        ("returns-another-shape", "a tensor of another shape", r"made \(1, 4\) of \(4,\)"),
        ("returns-another-dtype", "a tensor of another dtype", "made torch.float64 of torch.float32"),
        ("returns-another-device", "a tensor on another device", "made meta of cpu"),
    ):
        yield Fault(how, f"returns {what}", error=error, model={"faulty-torch/doubler": {"how": how}}, **torch)
    yield Fault(
        "unbuildable",
        "a model raises while it is constructed",
        "failed",
        "ValueError: cannot be built",
        model="faulty/unbuildable",
    )
    yield Fault(
        "instance-raises",
        "a task raises while it makes its instance",
        "failed",
        "LookupError: no data",
        model="guessing/mean",
        task="faulty/faulty-instance",
    )
    for metric, what, status, error in (
        ("raising", "raises", "failed", "ArithmeticError: no number"),
        ("wordy", "returns a string", "invalid", "metric wordy is of type str, not a number"),
        ("boundless", "returns an integer beyond all floats", "invalid", ".* an integer too large for a number"),
        ("endless", "returns a million values", "invalid", "metric endless has 1000000 values, more than 200000: .*"),
    ):
        yield Fault(
            f"metric-{metric}",
            f"a metric {what}",
            status,
            error,
            model="guessing/mean",
            task="faulty/faulty-metrics",
            metrics=(metric,),
        )


FAULTS = (*model_faults(), *process_faults(), *memory_faults(), *state_faults(), *value_faults())


def table() -> str:
    """The table as the documentation has it."""
    lines = ["| a case ... | ends as | with the error | test |", "|---|---|---|---|"]
    for fault in FAULTS:
        error = f"`{fault.error}`".replace("|", "\\|") if fault.error else ""
        lines.append(f"| {fault.what} | {fault.status} | {error} | `test_fault[{fault.name}]` |")
    return "\n".join(lines)


def written() -> str:
    """The table as it stands in the documentation."""
    _, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    return rest.partition(f"\n{END}")[0]


def main() -> None:
    """Write the table into the documentation."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
