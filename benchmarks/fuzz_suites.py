"""Feed the checker of suites with mutants of suites, and see that it keeps its promises.

    python benchmarks/fuzz_suites.py --minutes 60 --seed 1

Of any input whatever: nothing but a `SuiteError` comes out, with places inside of the file; it costs less than a second
of CPU (on a busy machine in proportion) and 200 MB; no file is written, no process started, no code compiled or
imported that the unmutated suites do not need. A mutant with a new kind of message is mutated further. Inputs that
break a promise are kept in --found.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from suite_mutations import mutate

from harness.plugins import Plugins
from harness.registry.catalogue import Catalogue
from harness.suite.document import Document
from harness.suite.load import load
from harness.suite.problems import SuiteError

ROOT = Path(__file__).parents[1]
CPU_SECONDS = 1.0
PLAIN = f"name: a\nmatrix: [{', '.join(['word'] * 4500)}]\n"
PLAIN_RATIO = 4.0
"""On a machine that is slow or busy, as much more than a second as reading so long a list takes more than a quarter."""
MEMORY = 200 * 10**6
COMMAND_EVERY = 1000
"""So many inputs go through the checker in this process for one that goes through the command line."""
POOL = 2000
"""Texts to mutate."""
LONGEST_KEPT = 5_000
GOOD = "name: a\nmatrix:\n  - tasks: [guessing/guess: {size: 3}]\n    models: [guessing/mean]\n"


class Broken(Exception):  # noqa: N818 - a promise that is broken
    """What the checker must not do."""


class Watch:
    """Knows what the interpreter does for the unmutated suites, and tells what it does beyond."""

    _EVENTS = re.compile(r"compile|exec|import|os\.|subprocess|socket|shutil|tempfile|ctypes|pickle|urllib|glob")
    _HARMLESS = frozenset({"os.listdir", "os.scandir", "os.walk"})

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._news: list[tuple[str, str]] = []
        self._active = False
        sys.addaudithook(self._hear)

    @contextmanager
    def on(self, *, learning: bool = False) -> Iterator[None]:
        """Listen; raises `Broken` at the end where there was something new and nothing is to be learned."""
        self._news.clear()
        self._active = True
        try:
            yield
        finally:
            self._active = False
        if learning:
            self._known.update(self._news)
        elif news := [one for one in self._news if one not in self._known]:
            raise Broken(f"did what the suites do not need: {news[:5]}")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) or set(mode or "") & set("wax+")
            if writes:
                self._news.append((event, str(path)))
        elif event not in self._HARMLESS and self._EVENTS.match(event):
            self._news.append((event, _subject(event, arguments)))


def _subject(event: str, arguments: tuple[Any, ...]) -> str:
    if event == "exec":
        return str(arguments[0].co_filename)
    if event == "compile":
        source = arguments[0]
        return f"{arguments[1]} {source if isinstance(source, str) and len(source) < 100 else ''}"
    return str(arguments[:1])


class Fuzzer:
    """Checks one input after the other."""

    def __init__(self, seed: int, folder: Path) -> None:
        self._chance = random.Random(seed)
        self._path = folder / "suite.yaml"
        self._catalogue = Catalogue()
        self._backends = Plugins().backends()
        self._watch = Watch()
        self._texts = corpus()
        self.kinds: Counter[str] = Counter()
        for _ in range(2):
            self._learn()

    def _learn(self) -> None:
        for text in list(self._texts):
            self._path.write_text(text, encoding="utf-8", errors="surrogatepass")
            with self._watch.on(learning=True):
                self._check(())

    def step(self, number: int) -> tuple[bytes, tuple[str, ...], str] | None:
        """Try one input; it and what is wrong come back if a promise is broken."""
        data, overrides = mutate(self._texts, self._chance), ()
        if self._chance.random() < 0.1:
            value = data.decode("utf-8", "replace").replace("\0", "")[: self._chance.choice((30, 300, 100_000))]
            keys = [
                "name",
                "seeds",
                "matrix",
                "limits.time",
                "matrix.0.tasks",
                "matrix.0.models.0",
                value[:20],
                "a" * 9,
            ]
            data, overrides = GOOD.encode(), (f"{self._chance.choice(keys)}={value}",)
        self._path.write_bytes(data)
        try:
            self._try(data, overrides)
            if number % COMMAND_EVERY == 0:
                self._command()
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            return data, overrides, traceback.format_exc()
        return None

    def _try(self, data: bytes, overrides: tuple[str, ...]) -> None:
        before = _peak()
        for attempt in range(3):
            start = time.process_time()
            with _alarm(), self._watch.on():
                problems = self._check(overrides)
            seconds = time.process_time() - start
            if seconds < CPU_SECONDS or seconds < PLAIN_RATIO * _plain_seconds():
                break
            if attempt == 2:
                raise Broken(f"took {seconds:.2f} s of CPU")
        if _peak() - before > MEMORY:
            raise Broken(f"took {(_peak() - before) / 1e6:.0f} MB")
        _places(data, problems)
        self._keep(data, problems)

    def _check(self, overrides: tuple[str, ...]) -> list[Any]:
        try:
            load(self._path, self._catalogue, self._backends, overrides)
        except SuiteError as error:
            return list(error.problems)
        return []

    def _keep(self, data: bytes, problems: list[Any]) -> None:
        kinds = {re.sub(r"['\"].*|[\d.,]+", "_", problem.message) for problem in problems} or {"ok"}
        new = any(kind not in self.kinds for kind in kinds)
        self.kinds.update(kinds)
        if new and len(data) < LONGEST_KEPT:
            self._texts.append(data.decode("utf-8", "replace"))
            if len(self._texts) > POOL:
                del self._texts[self._chance.randrange(POOL)]

    def _command(self) -> None:
        """The same through the command line, where what is printed counts too."""
        command = [sys.executable, "-m", "harness", "validate", str(self._path)]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
        said = (done.stdout + done.stderr).decode("utf-8")
        if done.returncode not in (0, 2) or "Traceback" in said:
            raise Broken(f"the command returned {done.returncode}: {said}")
        if wrong := [character for character in said if not character.isprintable() and character != "\n"]:
            raise Broken(f"the command printed {wrong[:10]}")


def corpus() -> list[str]:
    """Every suite, and every malformed one of the tests."""
    suites = [path.read_text() for path in sorted((ROOT / "suites").rglob("*.yaml"))]
    cases = runpy.run_path(str(ROOT / "tests/core/test_malformed_suites.py"))["CASES"]
    return [*suites, GOOD, *(text for text, _ in cases.values() if len(text) < LONGEST_KEPT)]


def _places(data: bytes, problems: list[Any]) -> None:
    lines = re.split("\r\n|[\r\n]", data.decode("utf-8-sig", "replace"))
    for problem in problems:
        mark = problem.mark
        if len(problem.message) > 2000 or "\n" in problem.message:
            raise Broken(f"is told at length: {problem.message[:3000]!r}")
        if mark.line and not (mark.line <= len(lines) and 1 <= mark.column <= len(lines[mark.line - 1]) + 1):
            raise Broken(f"is told outside of the file: {problem}")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def _alarm() -> Iterator[None]:
    def late(*_: object) -> None:
        raise Broken("took more than 10 s of CPU")

    signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, 10.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _plain_seconds() -> float:
    start = time.process_time()
    Document("plain", PLAIN)
    return time.process_time() - start


def fuzz(minutes: float, seed: int, found: Path) -> int:
    """Fuzz for so long; how many inputs broke a promise."""
    broken = count = 0
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(seed, Path(folder))
        start = said = time.monotonic()
        while (now := time.monotonic()) - start < minutes * 60:
            count += 1
            if failure := fuzzer.step(count):
                broken += 1
                data, overrides, text = failure
                found.mkdir(parents=True, exist_ok=True)
                (found / f"{seed}-{count}.yaml").write_bytes(data)
                (found / f"{seed}-{count}.txt").write_text(f"{overrides}\n{text}", errors="backslashreplace")
                print(f"input {count}: {text.strip().splitlines()[-1][:300]!r}", flush=True)
            if now - said > 60:
                said = now
                print(f"{count} inputs, {len(fuzzer.kinds)} kinds of message, {broken} broken", flush=True)
        rate = count / (time.monotonic() - start)
    print(f"{count} inputs, {rate:.0f}/s, {len(fuzzer.kinds)} kinds of message, {broken} broken")
    return broken


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with a seed of its own")
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), help="folder for inputs that break a promise")
    options = parser.parse_args()
    sys.dont_write_bytecode = True
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests/toys"), os.environ.get("PYTHONPATH", "")])
    sys.path.insert(0, str(ROOT / "tests/toys"))
    if options.jobs == 1:
        sys.exit(fuzz(options.minutes, options.seed, options.found) > 0)
    command = [sys.executable, __file__, "--minutes", str(options.minutes), "--found", str(options.found), "--seed"]
    jobs = [subprocess.Popen([*command, str(options.seed + job)]) for job in range(options.jobs)]
    sys.exit(max(job.wait() for job in jobs))


if __name__ == "__main__":
    main()
