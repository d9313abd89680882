"""What the command line costs before it does anything: `python benchmarks/startup.py`.

Generates a package of 136 papers (each a module of the usual size that imports torch) and, for the second row, 150 more
distributions with an entry point each. Prints CPU seconds (user and system) of whole processes, the median of
several, beside a bare Python and click alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PAPER = '''"""Paper number {index} (arXiv:0000.{index:05d})."""

import torch

from harness import Paper
{models}
paper = Paper(title="Paper {index}", year=2026, venue="none", constructions=[{names}])
'''
MODEL = '''

class Model{index}:
    """Model number {index}."""

    def fit(self, x: list[float], y: list[float]) -> None:
        """Nothing."""
        self.mean = sum(y) / len(y) if x else torch.zeros(1).item()
'''


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        papers, crowd = Path(folder, "papers"), Path(folder, "crowd")
        write_papers(papers, 136)
        write_distributions(crowd, 150)
        code = "from harness.cli import main; import sys; sys.argv = ['harness', {}]; main()"
        commands = {
            "python -c pass": "pass",
            "import click": "import click",
            "harness --help": code.format("'--help'"),
            "harness list papers": code.format("'list', 'papers'"),
            "harness list models": code.format("'list', 'models'"),
        }
        for title, path in (("136 papers", [papers]), ("136 papers, 150 distributions more", [papers, crowd])):
            for name, command in commands.items():
                rows.append({"installed": title, "command": name, "cpu_s": cpu(command, path, options.repeats)})
    if options.json:
        print(json.dumps(rows, indent=2))
    for row in [] if options.json else rows:
        print(f"{row['installed']:<36} {row['command']:<22} {row['cpu_s']:.3f} s CPU")


def cpu(code: str, path: list[Path], repeats: int) -> float:
    """Median CPU seconds of a fresh process that runs some code, byte code cached as in an installed package."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
    samples = []
    for _ in range(repeats + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        samples.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(samples[1:])


def write_papers(folder: Path, count: int) -> None:
    """A distribution with a package of papers in fourteen families."""
    package = folder / "many_papers"
    for index in range(count):
        family = package / f"family_{index % 14}"
        family.mkdir(parents=True, exist_ok=True)
        (family / "__init__.py").write_text('"""A family."""\n')
        models = "".join(MODEL.format(index=number) for number in range(40))
        names = ", ".join(f"Model{number}" for number in range(40))
        (family / f"paper_{index}.py").write_text(PAPER.format(index=index, models=models, names=names))
    (package / "__init__.py").write_text('"""Many papers."""\n')
    write_metadata(folder, "many-papers", "[harness.papers]\nmany = many_papers\n")


def write_distributions(folder: Path, count: int) -> None:
    """Distributions that have nothing to do with the harness, each with entry points of its own."""
    for index in range(count):
        write_metadata(folder, f"other-{index}", f"[console_scripts]\ntool{index} = other_{index}:main\n")


def write_metadata(folder: Path, name: str, entry_points: str) -> None:
    """The metadata of an installed distribution."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


if __name__ == "__main__":
    main()
