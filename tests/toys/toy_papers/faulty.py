"""Models, tasks and metrics that go wrong, each in its own way (arXiv:0000.00002)."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import locale
import mmap
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from harness import Along, Paper, metric

from .guessing import Constant, Guess, Numbers, error

MODEL: dict[str, Callable[[list[float]], Any]] = {}
"""What a model does in its one method."""


def fault(act: Callable[[list[float]], Any]) -> Callable[[list[float]], Any]:
    MODEL[act.__name__.replace("_", "-")] = act
    return act


class UnspeakableError(Exception):
    """Can neither be shown nor pickled."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def __str__(self) -> str:
        raise RuntimeError("not telling")

    __repr__ = __str__

    def __reduce__(self) -> Any:
        raise TypeError("not to be pickled")


@fault
def raises(values):
    raise RuntimeError("on purpose")


@fault
def raises_at_import(values):
    return importlib.import_module("toy_papers._unimportable").value


@fault
def raises_unspeakable(values):
    raise UnspeakableError


@fault
def raises_a_novel(values):
    raise RuntimeError("a long story " * 1_000_000)


@fault
def raises_system_exit(values):
    sys.exit("enough")


@fault
def raises_keyboard_interrupt(values):
    raise KeyboardInterrupt


@fault
def recurses(values):
    return recurses(values)


@fault
def exits(values):
    os._exit(7)


@fault
def exits_as_if_well(values):
    os._exit(0)


@fault
def segfaults(values):
    ctypes.string_at(0)


@fault
def is_killed(values):
    os.kill(os.getpid(), signal.SIGKILL)


@fault
def aborts_in_c(values):
    ctypes.CDLL(None).abort()


@fault
def hangs(values):
    while True:
        pass


@fault
def hangs_in_c_with_the_gil(values):
    ctypes.PyDLL(None).sleep(1000)


@fault
def ignores_signals(values):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGABRT, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1000)


@fault
def sleeps_with_children(values):
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    time.sleep(1000)


@fault
def leaves_a_child(values):
    if os.fork() == 0:
        time.sleep(1000)
        os._exit(0)


@fault
def leaves_a_daemon(values):
    daemon = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); time.sleep(1000)"
    subprocess.run([sys.executable, "-S", "-c", daemon], check=True)


@fault
def exits_and_leaves_a_daemon(values):
    leaves_a_daemon(values)
    os._exit(7)


@fault
def leaves_threads(values):
    threading.Thread(target=time.sleep, args=(1000,)).start()


@fault
def forks_and_returns_twice(values):
    os.fork()


@fault
def forks_and_raises_in_one(values):
    if os.fork() == 0:
        raise RuntimeError("in the child")


@fault
def forks_a_hundred(values):
    for _ in range(100):
        if os.fork() == 0:
            os.setsid()
            time.sleep(1000)


@fault
def allocates_at_once(values):
    return float(len(bytearray(1 << 40)))


@fault
def allocates_slowly(values):
    held = []
    while True:
        held.append(bytearray(1 << 20))


@fault
def allocates_small_objects(values):
    held: list[Any] = []
    while True:
        held.append([len(held)])


@fault
def allocates_numpy_at_once(values):
    import numpy as np

    return float(np.ones(1 << 38)[0])


@fault
def allocates_numpy_slowly(values):
    import numpy as np

    held = []
    while True:
        held.append(np.ones(1 << 17))


@fault
def allocates_in_children(values):
    for _ in range(3):
        if os.fork() == 0:
            held = bytearray(150_000_000)
            time.sleep(1000)
            del held
    time.sleep(1000)


@fault
def allocates_shared_memory(values):
    held = mmap.mmap(-1, 1 << 29)
    for start in range(0, len(held), 4096):
        held[start] = 1
    time.sleep(1000)


@fault
def floods_its_output(values):
    for _ in range(200):
        os.write(1, b"out of here " * 10_000)
        os.write(2, b"err " * 10_000)
    print("last words")
    raise RuntimeError("after many words")


@fault
def closes_its_output(values):
    sys.stdout.close()
    sys.stderr.close()
    os.close(1)
    os.close(2)


@fault
def closes_every_descriptor(values):
    os.closerange(0, 1024)


@fault
def replaces_its_output(values):
    sys.stdout = sys.stderr = sys.stdin = None


@fault
def changes_everything(values):
    import numpy as np

    Path("inner").mkdir()
    os.chdir("inner")
    Path("left-behind").write_text("by the one before")
    os.environ["OMP_NUM_THREADS"] = "64"
    os.environ["SOMETHING_NEW"] = "yes"
    del os.environ["PATH"]
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    os.umask(0o777)
    sys.path.insert(0, "nowhere")
    sys.setrecursionlimit(5000)
    gc.disable()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(1)
    np.random.seed(0)  # noqa: NPY002 - the very thing


@fault
def mutates_its_instance(values):
    values[:] = [1e9] * len(values)
    return 0.0


@fault
def returns_nan(values):
    return float("nan")


@fault
def returns_infinity(values):
    return float("inf")


@fault
def returns_another_type(values):
    return "a string"


@fault
def returns_a_gigabyte(values):
    return bytes(1_000_000_000)


@fault
def uses_up_the_descriptors(values):
    held = []
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))


@fault
def keeps_many_descriptors(values):
    for _ in range(200):
        os.open(os.devnull, os.O_RDONLY)


@fault
def deletes_its_folder(values):
    shutil.rmtree(Path.cwd())


@fault
def fills_its_disk(values):
    with Path("large").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))


@fault
def writes_a_file(values):
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(4 << 20))


@fault
def reads_standard_input(values):
    return float(input())


@fault
def babbles_to_the_harness(values):
    for channel in _channels():
        channel.send(b"I am well\n")
    time.sleep(1000)


@fault
def sends_a_result_of_its_own(values):
    forged = {"event": "finished", "case": "another", "last": False, "status": "ok", "values": [], "phases": {}}
    forged |= {
        "error": None,
        "traceback": None,
        "seconds": 0.0,
        "cpu_seconds": 0.0,
        "peak_memory": 0,
        "device_memory": None,
    }
    for channel in _channels():
        channel.send(json.dumps(forged).encode() + b"\n")
    time.sleep(1000)


@fault
def sends_without_end(values):
    for channel in _channels():
        while True:
            channel.send(b"a" * (1 << 16))


@fault
def kills_its_parent(values):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)


@fault
def stops_its_parent(values):
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(1000)


@fault
def limits_itself(values):
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _channels() -> list[socket.socket]:
    """The sockets of this process: one is what it was given to answer on."""
    found = []
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            found.append(socket.socket(fileno=os.dup(number)))
    return found


@dataclass
class Faulty(Constant):
    """Goes wrong in the named way; guesses nought if it gets that far."""

    how: str = "raises"

    def guess(self, values, context):
        answer = MODEL[self.how](values)
        return 0.0 if answer is None else answer


@dataclass
class Unbuildable(Constant):
    """Cannot be constructed."""

    def __post_init__(self):
        raise ValueError("cannot be built")


@dataclass
class Inspector(Constant):
    """Guesses what it finds: how many things in its process are not as in a fresh one."""

    def guess(self, values, context):
        import numpy as np

        odd = [
            any(Path.cwd().iterdir()),
            Path.cwd().name == "inner",
            "SOMETHING_NEW" in os.environ,
            "PATH" not in os.environ,
            os.environ["OMP_NUM_THREADS"] == "64",
            any(one[0] == "ignore" and one[1] is None and one[2] is Warning for one in warnings.filters),
            np.geterr()["divide"] == "ignore",
            "nowhere" in sys.path,
            sys.getrecursionlimit() == 5000,
            not gc.isenabled(),
            signal.getsignal(signal.SIGTERM) is signal.SIG_IGN,
            signal.getitimer(signal.ITIMER_REAL)[0] > 0,
            threading.active_count() > 1,
            sys.stdout is None or sys.stdout.closed,
            resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 64,
            len([*Path("/proc/self/fd").iterdir()]) > 100,
        ]
        umask = os.umask(0o22)
        os.umask(umask)
        return float(sum(odd) + (umask == 0o777))


@dataclass
class FaultyInstance(Guess):
    """Has no data."""

    def instance(self, context):
        raise LookupError("no data")


@metric(unit="1", direction="lower")
def raising(instance: Numbers, guess: float) -> float:
    """Raises."""
    raise ArithmeticError("no number")


@metric(unit="1", direction="lower")
def wordy(instance: Numbers, guess: float) -> float:
    """Not a number."""
    return "one"  # type: ignore[return-value]


@metric(unit="1", direction="lower")
def boundless(instance: Numbers, guess: float) -> float:
    """Too large for a number."""
    return 10**400


@metric(unit="1", direction="lower")
def endless(instance: Numbers, guess: float) -> Along:
    """Too many values."""
    return Along(range(1_000_000), step=range(1_000_000))


@dataclass
class FaultyMetrics(Guess):
    """Its metrics go wrong."""

    metrics: ClassVar = (error, raising, wordy, boundless, endless)


@dataclass
class MutableGuess(Guess):
    """Gives its numbers as a list, which a model can change."""

    def run(self, model, instance, context):
        guess = model.guess(instance.values, context)
        return float(guess)

    def instance(self, context):
        return Numbers(list(super().instance(context).values))  # type: ignore[arg-type]


paper = Paper(
    title="Faulty",
    year=2026,
    venue="tests",
    tasks=[FaultyInstance, FaultyMetrics, MutableGuess],
    baselines=[Faulty, Unbuildable, Inspector],
)
