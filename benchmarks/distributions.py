"""Distributions with papers and hooks of their own, for what is measured: found through their metadata."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_distribution(folder: Path, name: str, papers: Mapping[str, str], *, hooks: str = "") -> None:
    """Write a distribution into a folder that is, or will be, on the import path.

    Args:
        folder: where packages are found.
        name: of the distribution and its package: an identifier.
        papers: the text of each module of the package.
        hooks: the text of a module of hooks, called like the package with `_hooks` behind it.
    """
    points = f"[harness.papers]\n{name} = {name}\n"
    if hooks:
        points += f"\n[harness.plugins]\n{name} = {name}_hooks\n"
    texts = {
        f"{name}/__init__.py": f'"""The papers of {name}."""\n',
        **{f"{name}/{module}.py": text for module, text in papers.items()},
        **({f"{name}_hooks.py": hooks} if hooks else {}),
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/entry_points.txt": points,
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
