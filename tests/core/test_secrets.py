"""Secrets of the environment reach neither the store nor a report nor MLflow, whatever a model does with them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import pytest

SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCY",
    "HF_TOKEN": "hf_AbCdEfGhIjKlMnOp",
    "MLFLOW_TRACKING_PASSWORD": "correct horse 'battery' \"staple\"",
    "DATABASE_URL": "postgres://reader:Tr0ub4dor@example.org/results",
}
PIECES = [b"wJalrXUtnFEMI", b"hf_AbCdEfGh", b"correct horse", b"Tr0ub4dor"]
CLAIM = "claimed-variable"
SPILLING = '''
    """Models that give away what they know."""

    from __future__ import annotations

    import os
    import sys
    from dataclasses import dataclass

    from harness import Paper
    from toy_papers.guessing import Guess


    class Raises:
        """Raises its whole environment."""

        def guess(self, values, context):
            raise ValueError(str(dict(os.environ)))


    class Prints:
        """Prints its whole environment, line by line, and dies."""

        def guess(self, values, context):
            for name, value in os.environ.items():
                print(f"{name}={value}", flush=True)
                print(f"{name}={value!r}", file=sys.stderr, flush=True)
            os._exit(3)


    paper = Paper(title="Spilling", year=2026, venue="x", constructions=[Raises, Prints])
'''


@pytest.fixture
def spilled(install, harness, of, tmp_path) -> Path:
    """A folder with all that a run, its report and MLflow have left."""
    install("spilling", papers={"spills": SPILLING})
    suite = of("spills/raises", "spills/prints", "guessing/mean")
    environment = {**SECRETS, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/runs/mlflow.db", "OMP_PLACES": CLAIM}
    done = harness("run", str(suite), "--store", "runs", **environment)
    assert done.returncode == 3, done.stderr
    assert harness("report", "--store", "runs", **environment).returncode == 0
    printed = tmp_path / "runs" / "printed"
    printed.write_text(done.stdout + done.stderr)
    for form in (["results", "--rows", "--json"], ["results", "--csv"], ["report", "--format", "markdown"]):
        said = harness(*form, "--store", "runs", **environment)
        assert said.returncode == 0, said.stderr
        printed.write_text(printed.read_text() + said.stdout + said.stderr)
    return tmp_path / "runs"


@pytest.mark.slow
def test_no_secret_is_kept(spilled) -> None:
    files = {path: path.read_bytes() for path in sorted(spilled.rglob("*")) if path.is_file()}
    page = next(path for path in files if path.name == "report.html")
    assert any(path.name == "mlflow.db" for path in files)
    embedded = [gzip.decompress(base64.b64decode(found)) for found in re.findall(rb"H4sI[A-Za-z0-9+/=]+", files[page])]
    assert embedded
    files |= {page / str(number): content for number, content in enumerate(embedded)}
    leaks = [(str(path), piece) for path, content in files.items() for piece in PIECES if piece in content]
    assert not leaks
    assert any(b"***" in content for content in files.values())
    record = json.loads(next(spilled.glob("*/run.json")).read_text())
    assert record["provenance"]["environment"]["OMP_PLACES"] == CLAIM
    assert any(CLAIM.encode() in content for path, content in files.items() if page in (path, path.parent))
